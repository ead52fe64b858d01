#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "request.h"

int inside_open(int root, const char *path)
{
	return k_openat2(root, path[1] ? path + 1 : ".", O_PATH,
		K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS | K_RESOLVE_NO_MAGICLINKS);
}

bool inside_is_below(const char *path, const char *folder)
{
	size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static int fail(const char *path, struct failure *failure)
{
	bool theirs = errno == ELOOP || errno == ENOTDIR || errno == EISDIR || errno == EEXIST || errno == EROFS || errno == ENAMETOOLONG;

	failure_set(failure, theirs ? BLAME_REQUEST : BLAME_HOST, "root", errno,
		errno == ELOOP ? "%s or a folder above it is a symlink in the root file system" :
		"%s cannot be made in the root file system", path);
	return -1;
}

static bool make_one(int parent, const char *name, enum inside_type type)
{
	int fd;

	if (type == INSIDE_FOLDER)
		return mkdirat(parent, name, 0755) == 0;
	fd = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

/* Walks one component at a time; a component that is missing is made below its parent, which is held open. */
static int make_missing(int root, const char *path, enum inside_type type, bool *made)
{
	char part[REQUEST_INSIDE_PATH_MAX + 1];
	int parent = inside_open(root, "/");

	for (const char *at = path + 1; parent >= 0 && *at;) {
		size_t length = strcspn(at, "/");
		bool last = at[length] == '\0';
		int next, error;

		if (length >= sizeof(part)) {
			close(parent);
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(part, at, length);
		part[length] = '\0';
		next = k_openat2(parent, part, O_PATH, K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS);
		if (next < 0 && errno == ENOENT && make_one(parent, part, last ? type : INSIDE_FOLDER)) {
			*made = last;
			next = k_openat2(parent, part, O_PATH, K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS);
		}
		error = errno;
		close(parent);
		errno = error;
		parent = next;
		at += length + !last;
	}
	return parent;
}

int inside_make(int root, const char *path, enum inside_type type, bool *made, struct failure *failure)
{
	struct stat status;
	bool ignored, *out = made ? made : &ignored;
	int fd = inside_open(root, path);

	*out = false;
	if (fd < 0 && errno == ENOENT)
		fd = make_missing(root, path, type, out);
	if (fd < 0)
		return fail(path, failure);
	if (fstat(fd, &status) < 0 || (type == INSIDE_FOLDER) != S_ISDIR(status.st_mode)) {
		close(fd);
		errno = type == INSIDE_FOLDER ? ENOTDIR : EISDIR;
		return fail(path, failure);
	}
	/* A device, socket or FIFO of the root file system is covered like a file. */
	return fd;
}
