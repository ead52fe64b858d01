/* cgroup v1: separate hierarchies per controller, see the kernel's admin-guide/cgroup-v1/{memory,pids,cpuacct}.rst. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "cgroup.h"

enum { CFS_PERIOD_US = 100000, CFS_QUOTA_MIN_US = 1000, SHARES_MIN = 2 };

static bool refuse(struct failure *failure, const char *what)
{
	return failure_set(failure, BLAME_HOST, "cgroup", errno, "The limit on %s could not be set", what);
}

static bool limit_memory(struct cgroup *cgroup, uint64_t bytes, struct failure *failure)
{
	int folder = cgroup_folder(cgroup, CGROUP_MEMORY);

	if (!cgroup_write_number(folder, "memory.limit_in_bytes", bytes))
		return refuse(failure, "memory");
	/* Memory and swap together: absent where the kernel does not account swap. Must not be below the limit on memory at any time. */
	if (!cgroup_write_number(folder, "memory.memsw.limit_in_bytes", bytes) && errno != ENOENT)
		return refuse(failure, "memory and swap");
	return true;
}

static bool set_limits(struct cgroup *cgroup, const struct request_limits *limits, struct failure *failure)
{
	int cpu = cgroup_folder(cgroup, CGROUP_CPU);

	if (limits->memory_bytes != REQUEST_UNLIMITED && !limit_memory(cgroup, limits->memory_bytes, failure))
		return false;
	if (limits->pids != REQUEST_UNLIMITED &&
	    !cgroup_write_number(cgroup_folder(cgroup, CGROUP_PIDS), "pids.max", limits->pids))
		return refuse(failure, "the number of processes");
	if (limits->cpu_millicores != REQUEST_UNLIMITED) {
		uint64_t quota_us = limits->cpu_millicores * (CFS_PERIOD_US / 1000);

		/* The period is the kernel's default; the quota's minimum is the kernel's too. */
		if (!cgroup_write_number(cpu, "cpu.cfs_period_us", CFS_PERIOD_US) ||
		    !cgroup_write_number(cpu, "cpu.cfs_quota_us", quota_us < CFS_QUOTA_MIN_US ? CFS_QUOTA_MIN_US : quota_us))
			return refuse(failure, "CPU cores");
	}
	if (limits->cpu_shares != REQUEST_UNLIMITED &&
	    !cgroup_write_number(cpu, "cpu.shares", limits->cpu_shares < SHARES_MIN ? SHARES_MIN : limits->cpu_shares))
		return refuse(failure, "the share of the CPU");
	return true;
}

/*
 * The task writes `0` to `tasks` itself. Moving another process, or a whole one through cgroup.procs, makes the kernel wait
 * for all CPUs (8–15 ms on an idle host).
 */
static bool open_entrance(struct cgroup *cgroup, struct failure *failure)
{
	for (size_t i = 0; i < cgroup->count; i++) {
		cgroup->parts[i].entrance = openat(cgroup->parts[i].folder, "tasks", O_WRONLY | O_CLOEXEC);
		if (cgroup->parts[i].entrance < 0)
			return failure_set(failure, BLAME_HOST, "cgroup", errno, "A control group cannot be entered");
	}
	if (cgroup->host->controllers & CGROUP_CPUACCT) {
		cgroup->cpu_fd = openat(cgroup_folder(cgroup, CGROUP_CPUACCT), "cpuacct.usage", O_RDONLY | O_CLOEXEC);
		if (cgroup->cpu_fd < 0)
			return failure_set(failure, BLAME_HOST, "cgroup", errno, "CPU time cannot be read");
	}
	return true;
}

/* An eventfd that counts each time the group runs out of memory; also the group's removal. */
static bool watch_oom(struct cgroup *cgroup, struct failure *failure)
{
	int folder = cgroup_folder(cgroup, CGROUP_MEMORY);
	int control = openat(folder, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	char text[32];
	bool done = false;

	snprintf(text, sizeof(text), "%d %d", event, control);
	if (control >= 0 && event >= 0)
		done = cgroup_write(folder, "cgroup.event_control", text);
	if (!done)
		failure_set(failure, BLAME_HOST, "cgroup", errno, "Running out of memory cannot be watched");
	if (control >= 0)
		close(control);
	if (!done && event >= 0)
		close(event);
	cgroup->oom_fd = done ? event : -1;
	cgroup->oom_events = POLLIN;
	return done;
}

static uint64_t cpu_us(const struct cgroup *cgroup)
{
	return cgroup_read_number(cgroup->cpu_fd, NULL) / 1000;
}

static uint64_t oom_kills(const struct cgroup *cgroup)
{
	char text[256];
	int folder = cgroup_folder(cgroup, CGROUP_MEMORY);

	return folder >= 0 && cgroup_read(folder, "memory.oom_control", text, sizeof(text)) ?
		cgroup_find_number(text, "oom_kill") : 0;
}

static void usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	int cpuacct = cgroup_folder(cgroup, CGROUP_CPUACCT);
	int memory = cgroup_folder(cgroup, CGROUP_MEMORY);
	int pids = cgroup_folder(cgroup, CGROUP_PIDS);
	char text[256];

	if (cpuacct >= 0) {
		uint64_t user = cgroup_read_number(cpuacct, "cpuacct.usage_user");
		uint64_t system = cgroup_read_number(cpuacct, "cpuacct.usage_sys");

		usage->cpu_us = cpu_us(cgroup);
		/* Those two are sampled by ticks, cpuacct.usage is exact: they only tell how to split it. */
		usage->user_us = user + system ?
			(uint64_t)((double)usage->cpu_us * (double)user / (double)(user + system)) : usage->cpu_us;
		usage->system_us = usage->cpu_us - usage->user_us;
	}
	if (memory >= 0)
		usage->memory_peak_bytes = cgroup_read_number(memory, "memory.max_usage_in_bytes");
	usage->oom_kills = oom_kills(cgroup);
	if (pids >= 0 && cgroup_read(pids, "pids.events", text, sizeof(text)))
		usage->pids_denied = cgroup_find_number(text, "max");
	if (pids >= 0)
		usage->pids_peak = cgroup_read_number(pids, "pids.peak");
}

const struct cgroup_kind cgroup1_kind = {
	.name = "v1",
	.set_limits = set_limits,
	.open_entrance = open_entrance,
	.watch_oom = watch_oom,
	.cpu_us = cpu_us,
	.oom_kills = oom_kills,
	.usage = usage,
	.kill = cgroup_kill_listed,
};
