#include "host_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_path.h"
#include "kernel.h"
#include "mounts.h"

enum { READ_ONLY = K_MOUNT_ATTR_RDONLY | K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV };

static const struct host_mount usr[HOST_MOUNTS_USR] = {
	{ HOST_USR, "/usr", "/usr", true },
	{ HOST_USR, "/bin", "/bin", true },
	{ HOST_USR, "/sbin", "/sbin", true },
	{ HOST_USR, "/lib", "/lib", true },
	{ HOST_USR, "/lib64", "/lib64", true },
	{ HOST_USR, "/lib32", "/lib32", true },
	/* Without its cache the dynamic loader searches its built-in folders only. */
	{ HOST_FILE, "/etc/ld.so.cache", "/etc/ld.so.cache", true },
};

/* A folder is mounted before what lies in it. Paths are unique, so that this is an order. */
static int by_length(const void *left, const void *right)
{
	const char *a = ((const struct host_mount *)left)->inside, *b = ((const struct host_mount *)right)->inside;
	size_t a_length = strlen(a), b_length = strlen(b);

	return a_length != b_length ? (a_length < b_length ? -1 : 1) : strcmp(a, b);
}

size_t host_mounts_list(const struct request *request, struct host_mount list[HOST_MOUNTS_MAX])
{
	size_t count = 0, first;

	if (request->root_folder)
		list[count++] = (struct host_mount){ .kind = HOST_ROOT, .host = request->root_folder };
	for (size_t i = 0; request->root_usr && i < HOST_MOUNTS_USR; i++)
		list[count++] = usr[i];
	first = count;
	for (size_t i = 0; i < request->bind_count; i++)
		list[count++] = (struct host_mount){
			.kind = HOST_BIND, .host = request->binds[i].host, .inside = request->binds[i].inside,
			.executable = request->binds[i].executable,
		};
	qsort(list + first, count - first, sizeof(list[0]), by_length);
	return count;
}

static bool copy_open(const struct host_mount *mount, int source, bool with_below, struct host_mount_copy *copy)
{
	uint64_t attributes = READ_ONLY | (mount->executable || mount->kind == HOST_ROOT ? 0 : K_MOUNT_ATTR_NOEXEC);
	struct stat status;
	bool below;

	if (fstat(source, &status) < 0)
		return false;
	below = with_below && S_ISDIR(status.st_mode);
	copy->fd = mounts_copy(source, "", below);
	if (copy->fd >= 0 && mounts_change(copy->fd, attributes, 0, below))
		return true;
	if (copy->fd >= 0)
		close(copy->fd);
	copy->fd = -1;
	return false;
}

/* Where something stands in the place of a system folder: -1 with errno, or an O_PATH descriptor. A link is told by `copy`. */
static int open_system(const struct host_mount *mount, struct host_mount_copy *copy)
{
	ssize_t length = mount->kind == HOST_USR ? readlink(mount->host, copy->link, sizeof(copy->link) - 1) : -1;

	if (length > 0) {
		copy->link[length] = '\0';
		return -1;
	}
	return open(mount->host, O_PATH | O_CLOEXEC | (mount->kind == HOST_USR ? O_DIRECTORY : 0));
}

bool host_mount_copy(const struct host_mount *mount, const struct peer *peer, bool with_below, struct host_mount_copy *copy,
	struct failure *failure)
{
	bool system = mount->kind == HOST_USR || mount->kind == HOST_FILE, done;
	int source;

	copy->fd = -1;
	copy->link[0] = '\0';
	source = system ? open_system(mount, copy) :
		host_path_open(mount->host, peer, mount->kind == HOST_ROOT ? "root" : "bind", failure);
	if (source < 0 && system)
		return copy->link[0] || errno == ENOENT ||
			failure_set(failure, BLAME_HOST, "mounts", errno, "%s of this host cannot be opened", mount->host);
	if (source < 0)
		return false;
	done = copy_open(mount, source, with_below, copy);
	if (!done)
		failure_set(failure, BLAME_HOST, mount->kind == HOST_BIND ? "bind" : "mounts", errno, "%s cannot be copied as a mount",
			mount->inside ? mount->inside : "The root file system");
	close(source);
	return done;
}
