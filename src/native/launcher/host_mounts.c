#include "host_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_path.h"
#include "idmap.h"
#include "kernel.h"
#include "mounts.h"

enum { READ_ONLY = K_MOUNT_ATTR_RDONLY | K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV };

static const struct host_mount usr[HOST_MOUNTS_USR] = {
	{ .kind = HOST_USR, .host = "/usr", .inside = "/usr", .executable = true },
	{ .kind = HOST_USR, .host = "/bin", .inside = "/bin", .executable = true },
	{ .kind = HOST_USR, .host = "/sbin", .inside = "/sbin", .executable = true },
	{ .kind = HOST_USR, .host = "/lib", .inside = "/lib", .executable = true },
	{ .kind = HOST_USR, .host = "/lib64", .inside = "/lib64", .executable = true },
	{ .kind = HOST_USR, .host = "/lib32", .inside = "/lib32", .executable = true },
	/* Without its cache the dynamic loader searches its built-in folders only. */
	{ .kind = HOST_FILE, .host = "/etc/ld.so.cache", .inside = "/etc/ld.so.cache", .executable = true },
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
		list[count++] = (struct host_mount){
			.kind = HOST_ROOT, .host = request->root_folder, .owner = request->root_writable ? request : NULL,
		};
	for (size_t i = 0; request->root_usr && i < HOST_MOUNTS_USR; i++)
		list[count++] = usr[i];
	first = count;
	for (size_t i = 0; i < request->bind_count; i++)
		list[count++] = (struct host_mount){
			.kind = HOST_BIND, .host = request->binds[i].host, .inside = request->binds[i].inside,
			.executable = request->binds[i].executable, .alone = request->binds[i].alone,
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
	/* Without root a folder with mounts below it cannot be copied without them. */
	below = with_below && !mount->alone && S_ISDIR(status.st_mode);
	copy->fd = mounts_copy(source, "", below);
	if (copy->fd >= 0 && mounts_change(copy->fd, attributes, 0, below))
		return true;
	if (copy->fd >= 0)
		close(copy->fd);
	copy->fd = -1;
	return false;
}

/* Mapped ids give the task what is its owner's alone: a peer can have that of what is its own. */
static bool give_to_task(int mount, const struct request *request, const struct peer *peer, struct failure *failure)
{
	struct stat owner;

	if (fstat(mount, &owner) < 0)
		return failure_set(failure, BLAME_HOST, "mounts", errno, "It cannot be told whose the root file system is");
	if (owner.st_uid == request->uid && owner.st_gid == request->gid)
		return true;
	if (geteuid() != 0 || (peer->limited && (owner.st_uid != peer->uid || owner.st_gid != peer->gid)))
		return failure_set(failure, BLAME_HOST, "writable-root", 0,
			"The folder of the root file system belongs to another user, and only a node that is root can let a task change it");
	return idmap_swap(mount, (struct idmap_owner){ owner.st_uid, owner.st_gid },
			(struct idmap_owner){ request->uid, request->gid }) ||
		failure_set(failure, BLAME_HOST, "writable-root", errno,
			"The folder of the root file system cannot be made the task's by a mount with mapped ids");
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
	if (done && mount->owner && !give_to_task(copy->fd, mount->owner, peer, failure)) {
		close(copy->fd);
		copy->fd = -1;
		done = false;
	}
	return done;
}
