/* What is writable in a sandbox, and what is bound into it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "folders.h"
#include "inside.h"
#include "kernel.h"
#include "mounts.h"
#include "root.h"

/* A folder of the disk and where it is mounted inside. */
struct folder {
	const char *path;
	char name[DISK_OUTPUT_NAME_BYTES];
};

struct folders {
	struct folder list[REQUEST_OUTPUTS_MAX];
	size_t count;
};

static bool fail(struct failure *failure, const char *what, const char *path)
{
	return failure_set(failure, BLAME_HOST, "mounts", errno, "%s %s", what, path);
}

static struct folder *add(struct folders *folders, const char *path)
{
	struct folder *folder = &folders->list[folders->count++];

	folder->path = path;
	return folder;
}

static bool attach_folder(struct build *build, const struct folder *folder, struct failure *failure)
{
	int disk = openat(build->stage, "disk", O_PATH | O_DIRECTORY | O_CLOEXEC), place, copy;
	bool done;

	if (disk < 0)
		return fail(failure, "The disk cannot be opened for", folder->path);
	place = inside_make(build->root, folder->path, INSIDE_FOLDER, NULL, failure);
	if (place < 0) {
		close(disk);
		return false;
	}
	copy = mounts_copy(disk, folder->name, false);
	done = (copy >= 0 && mounts_attach(copy, place, "")) || fail(failure, "The disk cannot be mounted at", folder->path);
	if (copy >= 0)
		close(copy);
	close(place);
	close(disk);
	return done;
}

static int by_length(const void *left, const void *right)
{
	size_t a = strlen(((const struct folder *)left)->path), b = strlen(((const struct folder *)right)->path);

	return a < b ? -1 : a > b;
}

static bool is_bound(const struct request *request, const char *path)
{
	for (size_t i = 0; i < request->bind_count; i++)
		if (inside_is_below(path, request->binds[i].inside))
			return true;
	return false;
}

/* The working folder: left alone where the root, an OUTPUT or a BIND has it; made, the task's own, where not. */
static bool make_workdir(struct build *build, struct failure *failure)
{
	const struct request *request = build->request;
	struct folder folder = { .path = request->workdir, .name = DISK_WORK };
	struct stat status, disk;
	int fd;

	fd = inside_open(build->root, request->workdir);
	if (fd >= 0) {
		close(fd);
		return true;
	}
	if (is_bound(request, request->workdir))
		return true;
	/* Below a folder that is on the disk already it becomes an ordinary folder of the disk. */
	fd = inside_make(build->root, request->workdir, INSIDE_FOLDER, NULL, failure);
	if (fd < 0)
		return false;
	if (fstat(fd, &status) < 0 || fstat(build->disk.fd, &disk) < 0) {
		close(fd);
		return fail(failure, "The disk cannot be examined for", request->workdir);
	}
	if (status.st_dev == disk.st_dev) {
		bool owned = fchownat(fd, "", request->uid, request->gid, K_AT_EMPTY_PATH) == 0;

		close(fd);
		return owned || fail(failure, "No owner can be given to", request->workdir);
	}
	close(fd);
	return disk_add_folder(&build->disk, DISK_WORK, 0755, request->uid, request->gid, failure) &&
		attach_folder(build, &folder, failure);
}

/* A folder of the disk as a mount. -1 with `failure`. */
static int prepare_folder(struct build *build, const char *name, struct failure *failure)
{
	int disk, copy;

	if (!disk_add_folder(&build->disk, name, 01777, geteuid(), getegid(), failure))
		return -1;
	disk = openat(build->stage, "disk", O_PATH | O_DIRECTORY | O_CLOEXEC);
	copy = disk < 0 ? -1 : mounts_copy(disk, name, false);
	if (copy < 0)
		fail(failure, "It cannot be mounted from the disk:", name);
	if (disk >= 0)
		close(disk);
	return copy;
}

static bool prepare_folders(struct build *build, struct failure *failure)
{
	int tmp = prepare_folder(build, DISK_TMP, failure), shm = tmp < 0 ? -1 : prepare_folder(build, DISK_SHM, failure);
	bool done = shm >= 0 && root_fix(build, tmp, "/tmp", failure) && root_place(build, shm, "/dev/shm", failure);

	if (shm >= 0)
		close(shm);
	return done;
}

bool folders_prepare(struct build *build, struct failure *failure)
{
	/* Attached, because kernels before 6.15 copy no mount that is detached. */
	return disk_create(&build->disk, "souk-disk", failure) &&
		(mounts_attach(build->disk.fd, build->stage, "disk") || fail(failure, "The disk cannot be attached to", "the stage")) &&
		prepare_folders(build, failure);
}

bool folders_add_layer(struct build *build, int lower, struct failure *failure)
{
	const struct request *request = build->request;
	struct stat status;

	if (fstat(lower, &status) < 0)
		return fail(failure, "It cannot be told who may do what in", "the root file system");
	/* What an overlay's root says of itself it takes from its upper layer. */
	return disk_add_folder(&build->disk, DISK_ROOT_UPPER, status.st_mode & 0777, request->uid, request->gid, failure) &&
		disk_add_folder(&build->disk, DISK_ROOT_WORK, 0700, geteuid(), getegid(), failure);
}

/* The folders of the disk that are there already are the task's. */
static bool own_prepared(const struct build *build)
{
	const struct request *request = build->request;

	return fchownat(build->disk.fd, DISK_TMP, request->uid, request->gid, AT_SYMLINK_NOFOLLOW) == 0 &&
		fchownat(build->disk.fd, DISK_SHM, request->uid, request->gid, AT_SYMLINK_NOFOLLOW) == 0;
}

bool folders_mount(struct build *build, struct failure *failure)
{
	const struct request *request = build->request;
	struct disk *disk = &build->disk;
	struct folders folders = { .count = 0 };

	if (!disk_size(disk, request->limits.disk_bytes, request->limits.inodes, failure))
		return false;
	if (!own_prepared(build))
		return fail(failure, "No owner can be given to", "/tmp");
	for (size_t i = 0; i < request->output_count; i++) {
		struct folder *folder = add(&folders, request->outputs[i]);

		disk_output_name(folder->name, (unsigned)i);
		if (!disk_add_folder(disk, folder->name, 0755, request->uid, request->gid, failure))
			return false;
	}
	/* A folder is mounted before those inside it. An OUTPUT at /tmp comes over the common one. */
	qsort(folders.list, folders.count, sizeof(folders.list[0]), by_length);
	for (size_t i = 0; i < folders.count; i++)
		if (!attach_folder(build, &folders.list[i], failure))
			return false;
	return make_workdir(build, failure);
}

bool folders_attach(struct build *build, const struct host_mount *mount, struct host_mount_copy *copy, struct failure *failure)
{
	struct stat status;
	int place = -1;
	bool done = false;

	if (fstat(copy->fd, &status) < 0)
		fail(failure, "It cannot be told what is to be mounted at", mount->inside);
	else
		place = inside_make(build->root, mount->inside, S_ISDIR(status.st_mode) ? INSIDE_FOLDER : INSIDE_FILE, NULL, failure);
	if (place >= 0) {
		done = mounts_attach(copy->fd, place, "") ||
			failure_set(failure, BLAME_HOST, "bind", errno, "%s cannot be bound", mount->inside);
		close(place);
	}
	close(copy->fd);
	return done;
}

/* The OUTPUT that `path` lies in: the innermost one. */
static const char *output_of(const struct request *request, const char *path, char name[DISK_OUTPUT_NAME_BYTES])
{
	const char *found = NULL;

	for (size_t i = 0; i < request->output_count; i++)
		if (inside_is_below(path, request->outputs[i]) && (!found || strlen(request->outputs[i]) > strlen(found))) {
			found = request->outputs[i];
			disk_output_name(name, (unsigned)i);
		}
	return found;
}

void folders_forget_binds(int disk_fd, const struct request *request)
{
	char path[DISK_OUTPUT_NAME_BYTES + REQUEST_INSIDE_PATH_MAX + 1], name[DISK_OUTPUT_NAME_BYTES];

	for (size_t i = 0; i < request->bind_count; i++) {
		const char *inside = request->binds[i].inside, *output = output_of(request, inside, name);
		char *slash;
		struct stat status;
		int parent;

		if (!output || strcmp(output, inside) == 0)
			continue;
		snprintf(path, sizeof(path), "%s%s", name, inside + strlen(output));
		slash = strrchr(path, '/');
		*slash = '\0';
		parent = k_openat2(disk_fd, path, O_PATH | O_DIRECTORY, K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS | K_RESOLVE_NO_XDEV);
		if (parent < 0)
			continue;
		/* The task could not write to it, as it was covered; what it put there instead is not the launcher's. */
		if (fstatat(parent, slash + 1, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode) &&
		    status.st_uid == geteuid() && status.st_size == 0)
			unlinkat(parent, slash + 1, 0);
		close(parent);
	}
}
