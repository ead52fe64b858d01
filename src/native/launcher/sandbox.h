/* One sandbox as its keeper sees it: namespaces with an init in them, the way to exec, and the end. */
#ifndef SOUK_SANDBOX_H
#define SOUK_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "disk.h"
#include "init.h"

struct sandbox {
	int pidfd;     /* of init: readable when everything in the sandbox is dead */
	int control;   /* to init */
	int setup;     /* to the task, until it executes or is dead; else -1 */
	int task_setup; /* the task's end of it, until it is handed over; else -1 */
	int listener;  /* of its system call filter, once it executes, for notify_open() to take over; else -1 */
	pid_t init;
	pid_t task;    /* 0 until it is born */
	bool executes;
};

/* Whether the namespaces of a sandbox can be made, tried in a child. `root`: without a user namespace over them. */
bool sandbox_can_start(bool root);

/* Makes the namespaces and init, which begins to build the root at once. False with `failure`; nothing is left then. */
bool sandbox_start(struct sandbox *sandbox, const struct sandbox_plan *plan, struct failure *failure);

/*
 * Gives init its command: to run the request's program in this control group. `fds` are the task's ends of `count` channels (0, 1, 2, then the request's).
 * The caller closes its own copies of all descriptors, so that the end of the task shows. False with `failure`.
 */
bool sandbox_command(struct sandbox *sandbox, const struct cgroup *cgroup, const int *fds, size_t count, struct failure *failure);

enum sandbox_progress {
	SANDBOX_PREPARES,
	SANDBOX_EXECUTED, /* the task's own program runs */
	SANDBOX_FAILED,   /* `failure`, if it was the task that told it; else sandbox_reap() has it */
};
/* Serves the setup socket, when it is readable. */
enum sandbox_progress sandbox_setup(struct sandbox *sandbox, const struct sandbox_plan *plan, struct failure *failure);

/* SIGKILL to init, and thereby to everything. May be called again. */
void sandbox_kill(const struct sandbox *sandbox);

struct sandbox_end {
	bool ended;            /* the task's main process ended by itself: `status` as of wait(2) */
	int status;
	bool failed;           /* init could not do its part: `failure` */
	struct failure failure;
	struct rusage usage;   /* of init and all that it waited for */
};
/* When pidfd is readable: reaps init and reads what it had to say; the disk, if it was made, is handed to `disk`. */
void sandbox_reap(struct sandbox *sandbox, const struct request_limits *limits, struct disk *disk, struct sandbox_end *end);

/* Kills and reaps what is left, and closes. A second call does nothing. */
void sandbox_close(struct sandbox *sandbox);

#endif
