/*
 * CPU time is polled: the kernel tells of no threshold. Between two looks the task cannot use more than the time between them on every CPU
 * that it may run on; so as long as much is left the looks are far apart, and the limit is overrun by less than the shortest pause times the CPUs.
 */
#include "watch.h"

#include <limits.h>
#include <string.h>
#include <time.h>

static const uint64_t MS = 1000000, SECOND = 1000000000;
static const uint64_t PAUSE_MIN_NS = 2000000, PAUSE_MAX_NS = 1000000000;
static const uint64_t IDLE_PAUSE_MIN_NS = 5000000, IDLE_PAUSE_MAX_NS = 250000000;

static uint64_t clamp(uint64_t value, uint64_t low, uint64_t high)
{
	return value < low ? low : value > high ? high : value;
}

uint64_t watch_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND + (uint64_t)now.tv_nsec;
}

/* When to look next, with `used_us` of CPU time gone. */
static uint64_t next_look(const struct watch *watch, uint64_t now, uint64_t used_us)
{
	const struct request_limits *limits = watch->limits;
	uint64_t pause = UINT64_MAX;

	if (limits->cpu_time_ms != REQUEST_UNLIMITED) {
		uint64_t limit_us = limits->cpu_time_ms * 1000, left_us = limit_us > used_us ? limit_us - used_us : 0;

		/* Capped before it is made nanoseconds, so that it cannot overflow. */
		pause = clamp((left_us > PAUSE_MAX_NS ? PAUSE_MAX_NS : left_us) * 1000 / watch->parallel, PAUSE_MIN_NS, PAUSE_MAX_NS);
	}
	if (limits->idle_time_ms != REQUEST_UNLIMITED) {
		uint64_t idle = clamp(limits->idle_time_ms * MS / 16, IDLE_PAUSE_MIN_NS, IDLE_PAUSE_MAX_NS);

		pause = idle < pause ? idle : pause;
	}
	return pause == UINT64_MAX ? UINT64_MAX : now + pause;
}

void watch_start(struct watch *watch, unsigned cpus)
{
	uint64_t millicores = watch->limits->cpu_millicores;
	uint64_t now = watch_now_ns();

	watch->parallel = cpus;
	if (millicores != REQUEST_UNLIMITED && millicores < (uint64_t)cpus * 1000)
		watch->parallel = (unsigned)((millicores + 999) / 1000);
	watch->started_ns = watch->active_ns = now;
	watch->cpu_us = 0;
	watch->next_ns = next_look(watch, now, 0);
}

static uint64_t wall_end_ns(const struct watch *watch)
{
	/* Parsing has cut times to 2^40 ms. */
	return watch->limits->wall_time_ms == REQUEST_UNLIMITED ? UINT64_MAX : watch->started_ns + watch->limits->wall_time_ms * MS;
}

int watch_timeout_ms(const struct watch *watch)
{
	uint64_t end, now;

	if (!watch->started_ns)
		return -1;
	end = wall_end_ns(watch);
	if (watch->next_ns < end)
		end = watch->next_ns;
	if (end == UINT64_MAX)
		return -1;
	now = watch_now_ns();
	if (now >= end)
		return 0;
	/* Rounded up: waking up too early would be a look for nothing. */
	return (end - now + MS - 1) / MS > INT_MAX ? INT_MAX : (int)((end - now + MS - 1) / MS);
}

const char *watch_check(struct watch *watch)
{
	const struct request_limits *limits = watch->limits;
	uint64_t now, used_us;

	if (!watch->started_ns)
		return NULL;
	now = watch_now_ns();
	if (now >= wall_end_ns(watch))
		return "wallTime";
	if (now < watch->next_ns)
		return NULL;
	used_us = cgroup_cpu_us(watch->cgroup);
	if (limits->cpu_time_ms != REQUEST_UNLIMITED && used_us >= limits->cpu_time_ms * 1000)
		return "cpuTime";
	if (limits->idle_time_ms != REQUEST_UNLIMITED) {
		/* A task whose output nobody takes waits for somebody else: that is no idleness of its own. */
		if (used_us != watch->cpu_us || pump_is_held(watch->pump)) {
			watch->cpu_us = used_us;
			watch->active_ns = now;
		} else if (now - watch->active_ns >= limits->idle_time_ms * MS) {
			return "idleTime";
		}
	}
	watch->next_ns = next_look(watch, now, used_us);
	return NULL;
}

uint64_t watch_overshoot_us(const struct watch *watch, const char *reason, uint64_t died_ns, uint64_t cpu_us)
{
	const struct request_limits *limits = watch->limits;
	uint64_t used_us = (died_ns - watch->started_ns) / 1000, limit_us = limits->wall_time_ms * 1000;

	if (strcmp(reason, "cpuTime") == 0) {
		used_us = cpu_us;
		limit_us = limits->cpu_time_ms * 1000;
	} else if (strcmp(reason, "idleTime") == 0) {
		used_us = (died_ns - watch->active_ns) / 1000;
		limit_us = limits->idle_time_ms * 1000;
	}
	return used_us > limit_us ? used_us - limit_us : 0;
}
