/* One sandbox as its keeper sees it: namespaces with an init in them, the way to exec, and the end. */
#ifndef SOUK_SANDBOX_H
#define SOUK_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "disk.h"
#include "init.h"

struct sandbox_end {
	bool ended;            /* the task's main process ended by itself: `status` as of wait(2) */
	int status;
	bool alone;            /* and then there was nothing but init in the sandbox any more: everything foreign is dead */
	bool failed;           /* init could not do its part: `failure` */
	struct failure failure;
	struct rusage usage;   /* of all that init waited for */
};

struct sandbox {
	struct init_request *given; /* shared with init; NULL without a sandbox */
	int pidfd;     /* of init: readable when everything in the sandbox is dead */
	int control;   /* to init */
	int setup;     /* to the task, until it executes or is dead; else -1 */
	int task_setup; /* the task's end of it, until it is handed over; else -1 */
	int listener;  /* of its system call filter, once it executes, for notify_open() to take over; else -1 */
	pid_t init;
	pid_t task;    /* 0 until it executes */
	bool executes;
	struct sandbox_end end; /* as far as it is known */
	struct disk disk;       /* of the task, once init has made it; the caller's to close */
};

/* Whether the namespaces of a sandbox can be made, tried in a child. `root`: without a user namespace over them. */
bool sandbox_can_start(bool root);

/* Before sandbox_start(), and after sandbox_close(). */
#define SANDBOX_NONE { .pidfd = -1, .control = -1, .setup = -1, .task_setup = -1, .listener = -1, .disk = { .fd = -1, .context = -1 } }

/* Makes the namespaces and init, which begins to prepare the root at once. False with `failure`; nothing is left then. */
bool sandbox_start(struct sandbox *sandbox, const struct launcher *launcher, struct failure *failure);

/* A REQUEST as it came and as it was parsed. */
struct sandbox_request {
	const struct peer *peer;
	const uint8_t *payload;
	size_t length;
	const struct request *parsed;
};
/* Tells init what to build. False with `failure`. */
bool sandbox_build(struct sandbox *sandbox, const struct launcher *launcher, const struct sandbox_request *request, struct failure *failure);

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
enum sandbox_progress sandbox_setup(struct sandbox *sandbox, struct failure *failure);

/* SIGKILL to init, and thereby to everything. May be called again. */
void sandbox_kill(const struct sandbox *sandbox);

/* Takes what init has to say, when `control` is readable. */
void sandbox_hear(struct sandbox *sandbox, const struct request_limits *limits);
/* When pidfd is readable: reaps init, and hears what it had to say. */
void sandbox_reap(struct sandbox *sandbox, const struct request_limits *limits);

/* Kills and reaps what is left, and closes. A second call does nothing. */
void sandbox_close(struct sandbox *sandbox);

#endif
