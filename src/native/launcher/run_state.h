/* The state of one run, shared by its two halves: run.c until the sandbox is dead, run_end.c from then on. */
#ifndef SOUK_RUN_STATE_H
#define SOUK_RUN_STATE_H

#include <poll.h>
#include <stdbool.h>

#include "cgroup.h"
#include "disk.h"
#include "frame.h"
#include "launcher.h"
#include "notify.h"
#include "pump.h"
#include "request.h"
#include "sandbox.h"
#include "watch.h"

enum {
	RUN_STALL_MS = 10000, /* a client that takes nothing of what is left for so long loses it */
	WATCH_CONNECTION = FRAME_CHANNELS, /* below: the channels */
	WATCH_ALIVE,
	WATCH_PIDFD,
	WATCH_SETUP,
	WATCH_INIT,
	WATCH_OOM,
	WATCH_DENIALS,
	WATCH_COUNT,
};

struct run {
	struct connection *connection;
	const struct launcher *launcher;
	const struct request *request;
	struct cgroup cgroup;
	struct pump pump;
	struct sandbox sandbox;
	struct watch watch;
	struct notify notify;
	const char *reason;     /* why the keeper ends the task, or NULL */
	bool started;
	bool kill_asked;
	bool gone;              /* nobody listens any more */
	bool failed;            /* `failure` is what there is to say */
	struct failure failure;
};

/* Everything that a run waits for, in the order of WATCH_…. */
void run_watch(struct run *run, struct pollfd fds[WATCH_COUNT]);
/* Frames that have come; sees whether somebody still listens. The same before and after the death of the task. */
void run_receive(struct run *run, const struct pollfd fds[WATCH_COUNT]);
/* Sends what the client takes. */
void run_send(struct run *run);
/* Serves the setup socket. */
void run_setup(struct run *run);

/* The sandbox is dead or has to die: usage, removal, what is left in the pipes, REPORT, results, DONE; or FAILED. As run_serve(). */
bool run_finish(struct run *run);

#endif
