/* /dev and /proc of a sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "kernel.h"
#include "mounts.h"
#include "root.h"

enum {
	DEV_SET = K_MOUNT_ATTR_RDONLY | K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NOEXEC,
	PROC_SET = K_MOUNT_ATTR_RDONLY | K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV | K_MOUNT_ATTR_NOEXEC,
	MEMORY_DEVICES = 1, /* major number, see the kernel's admin-guide/devices.txt */
};

static const struct device {
	const char *name;
	unsigned minor;
} devices[] = { { "null", 3 }, { "zero", 5 }, { "full", 7 }, { "random", 8 }, { "urandom", 9 } };

static bool fail(struct failure *failure, const char *what)
{
	return failure_set(failure, BLAME_HOST, "mounts", errno, "%s", what);
}

/* Who may not make a device (no root, or a cgroup that forbids it) borrows the host's. */
static bool bind_device(int dev, const struct device *device)
{
	char path[32];
	struct stat status;
	int fd, copy = -1, file = openat(dev, device->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	bool done;

	if (file < 0)
		return false;
	close(file);
	snprintf(path, sizeof(path), "/dev/%s", device->name);
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	/* The host's own may have been replaced by a file. */
	errno = ENODEV;
	done = fd >= 0 && fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
		status.st_rdev == makedev(MEMORY_DEVICES, device->minor) && (copy = mounts_copy(fd, "", false)) >= 0 &&
		mounts_change(copy, K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NOEXEC, 0, false) && mounts_attach(copy, dev, device->name);
	if (fd >= 0)
		close(fd);
	if (copy >= 0)
		close(copy);
	return done;
}

static bool fill_dev(int dev)
{
	static const char *const links[][2] = {
		{ "/proc/self/fd", "fd" }, { "/proc/self/fd/0", "stdin" }, { "/proc/self/fd/1", "stdout" }, { "/proc/self/fd/2", "stderr" },
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i][0], dev, links[i][1]) < 0)
			return false;
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		/* The mode is cut by the umask, and whoever is not root in here has to write to them. */
		if (mknodat(dev, devices[i].name, S_IFCHR | 0666, makedev(MEMORY_DEVICES, devices[i].minor)) == 0) {
			if (fchmodat(dev, devices[i].name, 0666, 0) < 0)
				return false;
		} else if (errno != EPERM || !bind_device(dev, &devices[i])) {
			return false;
		}
	}
	return mkdirat(dev, "shm", 0755) == 0;
}

/*
 * The message queues of the sandbox, as mq_overview(7) has them; a kernel may have none. Landlock knows the place of a queue by this mount alone,
 * and whoever is confined could open none without it.
 */
static bool mount_queues(int dev)
{
	static const struct mount_option options[] = { { "source", "mqueue" }, { NULL, NULL } };
	int queues = mounts_new("mqueue", options, K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV | K_MOUNT_ATTR_NOEXEC);
	bool done;

	if (queues < 0)
		return errno == ENODEV;
	done = mkdirat(dev, "mqueue", 0755) == 0 && mounts_attach(queues, dev, "mqueue");
	close(queues);
	return done;
}

static bool make_dev(struct build *build, struct failure *failure)
{
	int dev = mounts_copy(build->stage, "dev", false);

	return (dev >= 0 && root_fix(build, dev, "/dev", failure) && fill_dev(dev) && mount_queues(dev) &&
		mounts_change(dev, DEV_SET, K_MOUNT_ATTR_NODEV, false)) || fail(failure, "/dev cannot be made");
}

/* Lays an empty file or folder that nobody may open over `name`, if there is such a thing. */
static bool mask(int stage, const char *what, int proc, const char *name)
{
	struct stat status;
	int copy;
	bool done;

	if (fstatat(proc, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT;
	copy = mounts_copy(stage, what, false);
	done = copy >= 0 && mounts_attach(copy, proc, name);
	if (copy >= 0)
		close(copy);
	return done;
}

/* Copies take over the attributes of the mount they are made of. */
static bool make_masks(int stage)
{
	int masks = mounts_copy(stage, "mask", false), file;
	bool done = masks >= 0 && mounts_attach(masks, stage, "mask");

	file = done ? openat(masks, "file", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0) : -1;
	/* Closed first: a mount where a file is being written to cannot become read-only. */
	done = file >= 0 && close(file) == 0 && mkdirat(masks, "folder", 0) == 0 && mounts_change(masks, PROC_SET, 0, false);
	if (masks >= 0)
		close(masks);
	return done;
}

static bool mask_all(int stage, int proc)
{
	static const char *const files[] = { "kcore", "keys", "key-users", "latency_stats", "timer_list", "sched_debug", "interrupts",
		"sysrq-trigger", "kmsg", "cmdline", "diskstats", "partitions", "modules" };
	static const char *const folders[] = { "acpi", "asound", "scsi" };

	if (!make_masks(stage))
		return false;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!mask(stage, "mask/file", proc, files[i]))
			return false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (!mask(stage, "mask/folder", proc, folders[i]))
			return false;
	return true;
}

/*
 * The whole of /proc is read-only, not only sys, irq, bus and fs: what a process may set of itself there it can set by prctl(2) too. What is opened
 * through /proc/self/fd lies on other mounts and stays writable.
 */
static bool make_proc(struct build *build, struct failure *failure)
{
	static const struct mount_option options[] = { { "source", "proc" }, { NULL, NULL } };

	int proc = mounts_new("proc", options, PROC_SET & ~K_MOUNT_ATTR_RDONLY);

	return (proc >= 0 && root_fix(build, proc, "/proc", failure) && (build->proc_writable = mounts_copy(proc, "", false)) >= 0 &&
		mounts_change(proc, K_MOUNT_ATTR_RDONLY, 0, false) && mask_all(build->stage, proc)) ||
		fail(failure, "/proc cannot be mounted");
}

bool devices_mount(struct build *build, struct failure *failure)
{
	return make_dev(build, failure) && make_proc(build, failure);
}
