/* cgroup v2: one hierarchy, see the kernel's admin-guide/cgroup-v2.rst. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cgroup.h"

enum { CPU_PERIOD_US = 100000, CPU_QUOTA_MIN_US = 1000, MOVE_ATTEMPTS = 8 };

/* See move_down(). */
static const char LEAF_PREFIX[] = "souk-", LEAF_SUFFIX[] = ".own";

/* A group that systemd has given to us to rule says so in an attribute (systemd.resource-control(5), Delegate=). */
static bool is_delegated(const char *folder)
{
	char value[4];

	return getxattr(folder, "trusted.delegate", value, sizeof(value)) > 0 ||
		getxattr(folder, "user.delegate", value, sizeof(value)) > 0;
}

/* A launcher started by a node that an earlier one has moved down finds the group above it, as that one has. */
static void leave_leaf(char *folder)
{
	char *name = strrchr(folder, '/') + 1;
	size_t length = strlen(name), suffix = sizeof(LEAF_SUFFIX) - 1;

	if (length > suffix && strcmp(name + length - suffix, LEAF_SUFFIX) == 0 &&
	    strncmp(name, LEAF_PREFIX, sizeof(LEAF_PREFIX) - 1) == 0)
		name[-1] = '\0';
}

/* The group this process is in: line '0::/path' of /proc/self/cgroup. */
static bool own_folder(const char *mount_point, char *folder, size_t size)
{
	char text[4096];

	if (!cgroup_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text)))
		return false;
	for (char *line = text; line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, "0::/", 4) == 0) {
			int length = snprintf(folder, size, "%s%.*s", mount_point, (int)strcspn(line + 3, "\n"), line + 3);

			if (length <= 0 || (size_t)length >= size)
				return false;
			leave_leaf(folder);
			return true;
		}
	}
	return false;
}

/* False when nothing could be moved. What is forked meanwhile may stay, and so may what does not fit into the list. */
static bool move_processes(int from, int to)
{
	char text[16384];
	bool moved = false;

	if (cgroup_read(from, "cgroup.procs", text, sizeof(text))) {
		for (char *pid = text, *end; (end = strchr(pid, '\n')); pid = end + 1) {
			*end = '\0';
			moved = cgroup_write(to, "cgroup.procs", pid) || moved;
		}
	}
	return moved;
}

static int open_leaf(int parent, const char *name, bool make)
{
	char leaf[CGROUP_NAME_BYTES + sizeof(LEAF_SUFFIX)];

	snprintf(leaf, sizeof(leaf), "%s%s", name, LEAF_SUFFIX);
	if (make && mkdirat(parent, leaf, 0755) < 0 && errno != EEXIST)
		return -1;
	return openat(parent, leaf, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* Only groups without processes of their own may have children with controllers: everything in `parent` moves one down. */
static bool move_down(int parent, const char *name)
{
	int leaf = open_leaf(parent, name, true);
	bool moved = leaf >= 0 && move_processes(parent, leaf);

	if (leaf >= 0)
		close(leaf);
	return moved;
}

static bool has_word(const char *text, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\n' || !at[length]))
			return true;
	return false;
}

/* Switches controllers on for the children of `folder`; returns those that are on. */
static unsigned switch_on(int folder, unsigned wanted, const char *move_down_name)
{
	unsigned on = 0;
	char text[512], command[16];

	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (!(wanted & (1u << i)) || (1u << i) == CGROUP_CPUACCT)
			continue;
		snprintf(command, sizeof(command), "+%s", cgroup_controller_names[i]);
		for (int attempt = 0; attempt < MOVE_ATTEMPTS; attempt++)
			if (cgroup_write(folder, "cgroup.subtree_control", command) || errno != EBUSY || !move_down_name ||
			    !move_down(folder, move_down_name))
				break;
	}
	if (cgroup_read(folder, "cgroup.subtree_control", text, sizeof(text)))
		for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
			if (has_word(text, cgroup_controller_names[i]))
				on |= 1u << i;
	return on;
}

bool cgroup2_prepare(struct cgroup_host *host, const char *mount_point)
{
	char folder[4096], text[512];
	unsigned offered = 0;
	int parent;

	/* Root without delegation takes the top; anybody else can only have been given his own group. */
	if (!own_folder(mount_point, folder, sizeof(folder)) || (geteuid() == 0 && !is_delegated(folder)))
		snprintf(folder, sizeof(folder), "%s", mount_point);
	parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || !cgroup_read(parent, "cgroup.controllers", text, sizeof(text))) {
		snprintf(host->problem, sizeof(host->problem), "The control group cannot be read: %s.", strerror(errno));
		if (parent >= 0)
			close(parent);
		return false;
	}
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
		if (has_word(text, cgroup_controller_names[i]))
			offered |= 1u << i;
	host->hierarchies[0].parent = parent;
	host->controllers = switch_on(parent, offered, host->name);
	/* A group without controllers still counts CPU time, where one can be made. */
	if (!host->controllers)
		snprintf(host->problem, sizeof(host->problem), "%s", geteuid() == 0 ?
			"No control group controller could be switched on." :
			"No control group with controllers has been delegated to this user.");
	return true;
}

void cgroup2_delegate(struct cgroup_host *host)
{
	struct cgroup_hierarchy *hierarchy = &host->hierarchies[0];

	/* Every v2 group counts CPU time, whatever its controllers. */
	hierarchy->controllers = switch_on(hierarchy->folder, host->controllers, NULL) | CGROUP_CPUACCT;
	host->controllers = hierarchy->controllers;
}

void cgroup2_leave(const struct cgroup_host *host)
{
	int parent = host->hierarchies[0].parent, leaf = open_leaf(parent, host->name, false);
	char text[CGROUP_NAME_BYTES + sizeof(LEAF_SUFFIX)];

	if (leaf < 0)
		return;
	/* Another launcher may be using them in the same group; then what was moved down stays where it is. */
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
		snprintf(text, sizeof(text), "-%s", cgroup_controller_names[i]);
		cgroup_write(parent, "cgroup.subtree_control", text);
	}
	for (int attempt = 0; attempt < MOVE_ATTEMPTS && move_processes(leaf, parent); attempt++)
		;
	close(leaf);
	snprintf(text, sizeof(text), "%s%s", host->name, LEAF_SUFFIX);
	cgroup_remove_group(parent, text, 100);
}

static bool refuse(struct failure *failure, const char *what)
{
	return failure_set(failure, BLAME_HOST, "cgroup", errno, "The limit on %s could not be set", what);
}

static bool limit_memory(int folder, uint64_t bytes, struct failure *failure)
{
	if (!cgroup_write_number(folder, "memory.max", bytes))
		return refuse(failure, "memory");
	/* Absent where the kernel has no swap. */
	if (!cgroup_write(folder, "memory.swap.max", "0") && errno != ENOENT)
		return refuse(failure, "swap");
	if (!cgroup_write(folder, "memory.oom.group", "1"))
		return refuse(failure, "memory of the whole group");
	return true;
}

static bool set_limits(struct cgroup *cgroup, const struct request_limits *limits, struct failure *failure)
{
	int folder = cgroup->parts[0].folder;
	char text[64];

	if (limits->memory_bytes != REQUEST_UNLIMITED && !limit_memory(folder, limits->memory_bytes, failure))
		return false;
	if (limits->pids != REQUEST_UNLIMITED && !cgroup_write_number(folder, "pids.max", limits->pids))
		return refuse(failure, "the number of processes");
	if (limits->cpu_millicores != REQUEST_UNLIMITED) {
		uint64_t quota_us = limits->cpu_millicores * (CPU_PERIOD_US / 1000);

		snprintf(text, sizeof(text), "%llu %d",
			(unsigned long long)(quota_us < CPU_QUOTA_MIN_US ? CPU_QUOTA_MIN_US : quota_us), CPU_PERIOD_US);
		if (!cgroup_write(folder, "cpu.max", text))
			return refuse(failure, "CPU cores");
	}
	if (limits->cpu_shares != REQUEST_UNLIMITED) {
		/* Shares run from 2 to 262144, weights from 1 to 10000: the kernel's own mapping of the two. */
		uint64_t shares = limits->cpu_shares < 2 ? 2 : limits->cpu_shares > 262144 ? 262144 : limits->cpu_shares;

		if (!cgroup_write_number(folder, "cpu.weight", 1 + (shares - 2) * 9999 / 262142))
			return refuse(failure, "the share of the CPU");
	}
	return true;
}

/* The task is born in the group (CLONE_INTO_CGROUP): a move makes the kernel wait for all CPUs. */
static bool open_entrance(struct cgroup *cgroup, struct failure *failure)
{
	cgroup->cpu_fd = openat(cgroup->parts[0].folder, "cpu.stat", O_RDONLY | O_CLOEXEC);
	return cgroup->cpu_fd >= 0 || failure_set(failure, BLAME_HOST, "cgroup", errno, "CPU time cannot be read");
}

static bool watch_oom(struct cgroup *cgroup, struct failure *failure)
{
	char text[512];

	cgroup->oom_events = POLLPRI;
	cgroup->oom_fd = openat(cgroup->parts[0].folder, "memory.events", O_RDONLY | O_CLOEXEC);
	/* Read once: POLLPRI tells of changes since the last read. */
	return (cgroup->oom_fd >= 0 && cgroup_read(cgroup->oom_fd, NULL, text, sizeof(text))) ||
		failure_set(failure, BLAME_HOST, "cgroup", errno, "Running out of memory cannot be watched");
}

static uint64_t cpu_us(const struct cgroup *cgroup)
{
	char text[1024];

	return cgroup_read(cgroup->cpu_fd, NULL, text, sizeof(text)) ? cgroup_find_number(text, "usage_usec") : 0;
}

static uint64_t oom_kills(const struct cgroup *cgroup)
{
	char text[512];
	bool read = cgroup->oom_fd >= 0 ? cgroup_read(cgroup->oom_fd, NULL, text, sizeof(text)) :
		cgroup_read(cgroup->parts[0].folder, "memory.events", text, sizeof(text));

	return read ? cgroup_find_number(text, "oom_kill") : 0;
}

static void usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	int folder = cgroup->parts[0].folder;
	char text[1024];

	if (cgroup_read(cgroup->cpu_fd, NULL, text, sizeof(text))) {
		usage->user_us = cgroup_find_number(text, "user_usec");
		usage->system_us = cgroup_find_number(text, "system_usec");
		usage->cpu_us = usage->user_us + usage->system_us;
	}
	usage->memory_peak_bytes = cgroup_read_number(folder, "memory.peak");
	usage->oom_kills = oom_kills(cgroup);
	if (cgroup_read(folder, "pids.events", text, sizeof(text)))
		usage->pids_denied = cgroup_find_number(text, "max");
	usage->pids_peak = cgroup_read_number(folder, "pids.peak");
}

/* cgroup.kill (5.14) takes also what is being forked; older kernels are asked again by the caller. */
static void kill_all(int folder)
{
	if (!cgroup_write(folder, "cgroup.kill", "1"))
		cgroup_kill_listed(folder);
}

const struct cgroup_kind cgroup2_kind = {
	.name = "v2",
	.set_limits = set_limits,
	.open_entrance = open_entrance,
	.watch_oom = watch_oom,
	.cpu_us = cpu_us,
	.oom_kills = oom_kills,
	.usage = usage,
	.kill = kill_all,
};
