#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host_path.h"
#include "inside.h"
#include "kernel.h"
#include "mounts.h"

enum {
	READ_ONLY = K_MOUNT_ATTR_RDONLY | K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV,
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
	static const char *const folders[] = { "root", "dev", "disk", "lower", "upper", "work" };
	/* The last three are the overlay's. */
	size_t count = build->request->root_folder ? 6 : 3;

	/* Nothing that is mounted from here on may show up on the host. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(failure, "The mounts cannot be made private");
	build->stage = mounts_new("tmpfs", options, K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV);
	/* On top of `/`, which exists everywhere; paths of the host still begin at the root of this process, beneath it. */
	if (build->stage < 0 || !mounts_attach(build->stage, AT_FDCWD, "/"))
		return fail(failure, "The stage cannot be mounted");
	for (size_t i = 0; i < count; i++)
		if (mkdirat(build->stage, folders[i], 0755) < 0)
			return fail(failure, "The stage cannot be filled");
	return true;
}

/* An overlay, because mount points that the root file system lacks have to be made. Takes over `folder`. */
static int overlay(struct build *build, int folder, struct failure *failure)
{
	/* Relative to the stage, which is the current folder. What the lower folder says in extended attributes is not followed. */
	const struct mount_option options[] = {
		{ "source", "souk-root" }, { "lowerdir", "lower" }, { "upperdir", "upper" }, { "workdir", "work" },
		build->rootless ? (struct mount_option){ "userxattr", NULL } : (struct mount_option){ "redirect_dir", "nofollow" },
		build->rootless ? (struct mount_option){ NULL, NULL } : (struct mount_option){ "metacopy", "off" },
		{ NULL, NULL },
	};
	int lower = mounts_copy(folder, "", build->rootless), mount = -1;

	close(folder);
	if (lower < 0 || !mounts_attach(lower, build->stage, "lower"))
		fail(failure, "The folder of the root file system cannot be mounted");
	else if (fchdir(build->stage) < 0 || (mount = mounts_new("overlay", options, K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV)) < 0)
		fail(failure, "The overlay over the root file system cannot be mounted");
	if (lower >= 0)
		close(lower);
	return mount;
}

static bool attach_root(struct build *build, struct failure *failure)
{
	const struct request *request = build->request;
	int mount, folder;

	if (request->root_folder) {
		folder = host_path_open(request->root_folder, build->peer, "root", failure);
		mount = folder < 0 ? -1 : overlay(build, folder, failure);
	} else {
		mount = mounts_copy(build->stage, "root", false);
		if (mount < 0)
			fail(failure, "The empty root cannot be made");
	}
	if (mount < 0)
		return false;
	build->root = mount;
	return mounts_attach(mount, build->stage, "root") || fail(failure, "The root cannot be attached");
}

/* A link of the host's root (merged /usr) is made as it is, a folder is bound; what the host lacks is left out. */
static bool mirror(struct build *build, const char *name, struct failure *failure)
{
	char path[16], target[256];
	ssize_t length;
	int folder, copy;
	bool done;

	snprintf(path, sizeof(path), "/%s", name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length > 0) {
		target[length] = '\0';
		return symlinkat(target, build->root, name) == 0 || fail(failure, "A link to /usr cannot be made");
	}
	folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return errno == ENOENT || fail(failure, "A system folder of this host cannot be opened");
	copy = mounts_copy(folder, "", build->rootless);
	close(folder);
	done = copy >= 0 && mkdirat(build->root, name, 0755) == 0 && mounts_change(copy, READ_ONLY, 0, build->rootless) &&
		mounts_attach(copy, build->root, name);
	if (!done)
		fail(failure, "A system folder of this host cannot be bound");
	if (copy >= 0)
		close(copy);
	return done;
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
	int etc = -1, cache;
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
	/* Without its cache the dynamic loader searches its built-in folders only. */
	cache = done ? open("/etc/ld.so.cache", O_PATH | O_CLOEXEC) : -1;
	if (cache >= 0) {
		int copy = mounts_copy(cache, "", false);

		done = write_file(etc, "ld.so.cache", "") && copy >= 0 && mounts_change(copy, READ_ONLY, 0, false) &&
			mounts_attach(copy, etc, "ld.so.cache");
		if (copy >= 0)
			close(copy);
		close(cache);
	}
	if (!done)
		fail(failure, "/etc cannot be made");
	if (etc >= 0)
		close(etc);
	return done;
}

static bool fill_usr(struct build *build, struct failure *failure)
{
	static const char *const names[] = { "usr", "bin", "sbin", "lib", "lib64", "lib32" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!mirror(build, names[i], failure))
			return false;
	return fill_etc(build, failure);
}

/* Expiring it is refused to the mount that is this process's root, which is what `.` leads to once nothing lies on it; see do_umount() in Linux. */
static bool is_uncovered(void)
{
	return umount2(".", MNT_EXPIRE) < 0 && errno == EINVAL;
}

static bool pivot(struct build *build, struct failure *failure)
{
	bool uncovered = false;

	if (!mounts_change(build->root, READ_ONLY, 0, false))
		return fail(failure, "The root cannot be made read-only");
	/* Stacks the old root on the new one, so that no folder is needed for it; see pivot_root(2). */
	if (fchdir(build->root) < 0 || k_pivot_root(".", ".") < 0)
		return fail(failure, "The root cannot be entered");
	/* Each call takes off what is uppermost: the stage, whatever the host has stacked there, at last the old root itself. */
	for (int layer = 0; layer < PIVOT_STACK_MAX && !uncovered && umount2(".", MNT_DETACH) == 0; layer++)
		uncovered = is_uncovered();
	close(build->root);
	close(build->stage);
	build->root = build->stage = -1;
	return (uncovered && chdir("/") == 0) || fail(failure, "The root of the host cannot be taken off");
}

bool root_enter(struct build *build, struct failure *failure)
{
	return make_stage(build, failure) && attach_root(build, failure) &&
		(!build->request->root_usr || fill_usr(build, failure)) && devices_mount(build, failure) &&
		folders_mount(build, failure) && devices_mount_proc(build, failure) && pivot(build, failure);
}
