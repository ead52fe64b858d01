#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "kernel.h"
#include "mounts.h"

enum {
	WRITABLE = K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV,
	READ_ONLY = K_MOUNT_ATTR_RDONLY | WRITABLE,
	PIVOT_STACK_MAX = 16,
};

static bool fail(struct failure *failure, const char *what)
{
	return failure_set(failure, BLAME_HOST, "mounts", errno, "%s", what);
}

static bool make_stage(struct build *build, struct failure *failure)
{
	static const struct mount_option options[] = {
		{ "source", "souk-stage" }, { "size", "4m" }, { "nr_inodes", "16384" }, { "mode", "0755" }, { NULL, NULL },
	};
	static const char *const folders[] = { "root", "lower", "upper", "work", "dev", "disk", "mask" };

	/* Nothing that is mounted from here on may show up on the host. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(failure, "The mounts cannot be made private");
	build->stage = mounts_new("tmpfs", options, K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV);
	/* On top of `/`, which exists everywhere; paths of the host still begin at the root of this process, beneath it. */
	if (build->stage < 0 || !mounts_attach(build->stage, AT_FDCWD, "/"))
		return fail(failure, "The stage cannot be mounted");
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdirat(build->stage, folders[i], 0755) < 0)
			return fail(failure, "The stage cannot be filled");
	return true;
}

/* An overlay, because mount points that the root file system lacks have to be made. Takes `lower` over. */
static int overlay(struct build *build, int lower, struct failure *failure)
{
	const bool writable = build->request->root_writable;
	/* Relative to the stage, which is the current folder. What the lower folder says in extended attributes is not followed. */
	const struct mount_option options[] = {
		{ "source", "souk-root" }, { "lowerdir", "lower" },
		{ "upperdir", writable ? "disk/" DISK_ROOT_UPPER : "upper" },
		{ "workdir", writable ? "disk/" DISK_ROOT_WORK : "work" },
		build->rootless ? (struct mount_option){ "userxattr", NULL } : (struct mount_option){ "redirect_dir", "nofollow" },
		build->rootless ? (struct mount_option){ NULL, NULL } : (struct mount_option){ "metacopy", "off" },
		{ NULL, NULL },
	};
	int mount = -1;

	if (!mounts_attach(lower, build->stage, "lower"))
		fail(failure, "The folder of the root file system cannot be mounted");
	else if (writable && !folders_add_layer(build, lower, failure))
		mount = -1;
	else if (fchdir(build->stage) < 0 || (mount = mounts_new("overlay", options, K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV)) < 0)
		fail(failure, "The overlay over the root file system cannot be mounted");
	close(lower);
	return mount;
}

bool root_place(struct build *build, int mount, const char *path, struct failure *failure)
{
	int folder = inside_make(build->root, path, INSIDE_FOLDER, NULL, failure);
	bool done;

	if (folder < 0)
		return false;
	done = mounts_attach(mount, folder, "") ||
		failure_set(failure, BLAME_HOST, "mounts", errno, "%s cannot be mounted in the root file system", path);
	close(folder);
	return done;
}

bool root_fix(struct build *build, int mount, const char *path, struct failure *failure)
{
	build->fixed[build->fixed_count].mount = mount;
	build->fixed[build->fixed_count++].path = path;
	return root_place(build, mount, path, failure);
}

static bool make_empty_root(struct build *build, struct failure *failure)
{
	build->root = mounts_copy(build->stage, "root", false);
	return (build->root >= 0 && mounts_attach(build->root, build->stage, "root")) || fail(failure, "The empty root cannot be made");
}

/* The task's own root file system over the empty one, to which everything moves that is in every root. */
static bool replace_root(struct build *build, const struct host_mount *mount, struct failure *failure)
{
	struct host_mount_copy copy;
	int root = build->next_mount(build, mount, &copy, failure) ? overlay(build, copy.fd, failure) : -1;

	if (root < 0)
		return false;
	close(build->root);
	build->root = root;
	if (!mounts_attach(root, build->stage, "root"))
		return fail(failure, "The root cannot be attached");
	for (size_t i = 0; i < build->fixed_count; i++)
		if (!root_place(build, build->fixed[i].mount, build->fixed[i].path, failure))
			return false;
	return true;
}

static bool write_file(int folder, const char *name, const char *text)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

static bool fill_etc(struct build *build, struct failure *failure)
{
	const struct request *request = build->request;
	char passwd[256], group[128];
	int etc = -1;
	bool done;

	snprintf(passwd, sizeof(passwd), "root:x:0:0:root:/:/bin/sh\n");
	if (request->uid != 0)
		snprintf(passwd + strlen(passwd), sizeof(passwd) - strlen(passwd), "task:x:%u:%u:task:/tmp:/bin/sh\n",
			request->uid, request->gid);
	snprintf(group, sizeof(group), "root:x:0:\n");
	if (request->gid != 0)
		snprintf(group + strlen(group), sizeof(group) - strlen(group), "task:x:%u:\n", request->gid);
	done = mkdirat(build->root, "etc", 0755) == 0 &&
		(etc = openat(build->root, "etc", O_PATH | O_DIRECTORY | O_CLOEXEC)) >= 0 &&
		write_file(etc, "passwd", passwd) && write_file(etc, "group", group);
	if (!done)
		fail(failure, "/etc cannot be made");
	if (etc >= 0)
		close(etc);
	return done;
}

/* A link of the host's root (merged /usr) is made as it is, a folder is mounted; what the host lacks is left out. */
static bool mirror(struct build *build, const struct host_mount *mount, struct host_mount_copy *copy, struct failure *failure)
{
	if (copy->link[0])
		return symlinkat(copy->link, build->root, mount->inside + 1) == 0 || fail(failure, "A link to /usr cannot be made");
	return copy->fd < 0 || folders_attach(build, mount, copy, failure);
}

/* Those of the given kinds that come next in the list. */
static bool attach_host(struct build *build, const struct host_mount **next, const struct host_mount *end, bool binds,
	struct failure *failure)
{
	for (; *next < end && ((*next)->kind == HOST_BIND) == binds; (*next)++) {
		struct host_mount_copy copy;

		if (!build->next_mount(build, *next, &copy, failure) || !mirror(build, *next, &copy, failure))
			return false;
	}
	return true;
}

/* Expiring it is refused to the mount that is this process's root, which is what `.` leads to once nothing lies on it; see do_umount() in Linux. */
static bool is_uncovered(void)
{
	return umount2(".", MNT_EXPIRE) < 0 && errno == EINVAL;
}

/* Stacks the old root on the new one, so that no folder is needed for it; see pivot_root(2). */
static bool pivot(int root)
{
	return fchdir(root) == 0 && k_pivot_root(".", ".") == 0;
}

bool root_uncover(struct failure *failure)
{
	/* Each call takes off what is uppermost: the stage, whatever the host has stacked there, at last the old root itself. */
	for (int layer = 0; layer < PIVOT_STACK_MAX && umount2(".", MNT_DETACH) == 0; layer++)
		if (is_uncovered())
			return chdir("/") == 0 || fail(failure, "The root cannot be entered");
	return fail(failure, "The old root cannot be taken off");
}

static bool leave_host(struct build *build, struct failure *failure)
{
	return pivot(build->stage) ? root_uncover(failure) : fail(failure, "The root of the host cannot be left");
}

bool root_prepare(struct build *build, struct failure *failure)
{
	return make_stage(build, failure) && make_empty_root(build, failure) && devices_mount(build, failure) &&
		folders_prepare(build, failure) && (build->rootless || leave_host(build, failure));
}

static bool enter(struct build *build, struct failure *failure)
{
	uint64_t attributes = build->request->root_writable ? WRITABLE : READ_ONLY;
	bool done = (mounts_change(build->root, attributes, 0, false) && pivot(build->root)) ||
		fail(failure, "The root cannot be entered");

	close(build->root);
	close(build->stage);
	build->root = build->stage = -1;
	return done;
}

bool root_enter(struct build *build, struct failure *failure)
{
	static struct host_mount list[HOST_MOUNTS_MAX];
	const struct host_mount *next = list, *end = list + host_mounts_list(build->request, list);

	if (build->request->root_folder && !replace_root(build, next++, failure))
		return false;
	/* Mount points below the disk's folders cost inodes of the disk: the cap comes when all are made. */
	return (!build->request->root_usr || fill_etc(build, failure)) && attach_host(build, &next, end, false, failure) &&
		folders_mount(build, failure) && attach_host(build, &next, end, true, failure) &&
		disk_seal(&build->disk, failure) && enter(build, failure);
}
