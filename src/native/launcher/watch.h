/* The limits of time on a running task: CPU, wall and idle; and when to look next. */
#ifndef SOUK_WATCH_H
#define SOUK_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "cgroup.h"
#include "pump.h"
#include "request.h"

struct watch {
	const struct request_limits *limits;
	const struct cgroup *cgroup;
	const struct pump *pump;
	unsigned parallel;      /* how many CPUs the task can use at once */
	uint64_t started_ns;    /* 0 until the task runs */
	uint64_t next_ns;       /* when CPU time has to be looked at next */
	uint64_t active_ns;     /* when the task was last seen active */
	uint64_t cpu_us;        /* at that moment */
};

uint64_t watch_now_ns(void); /* CLOCK_MONOTONIC */

/* `cpus` of this host. The clocks run from here. */
void watch_start(struct watch *watch, unsigned cpus);
/* Milliseconds until the next look, as of poll(2): -1 for never. */
int watch_timeout_ms(const struct watch *watch);
/* How far past the limit that ended it, `reason` as of watch_check(), a task was when its last process died: in time, of CPU time in CPU time. */
uint64_t watch_overshoot_us(const struct watch *watch, const char *reason, uint64_t died_ns, uint64_t cpu_us);
/* The limit that is reached: 'wallTime' 'cpuTime' 'idleTime', or NULL. */
const char *watch_check(struct watch *watch);

#endif
