/*
 * prepare    control group, pipes, init; until the task executes (STARTED) or something fails (FAILED)
 * running    bytes, credit, limits; until init is dead, by itself or by our hand
 * finish     usage, control group removed, what is left in the pipes, REPORT, results, DONE
 */
#include "run.h"

#include <errno.h>
#include <unistd.h>

#include "run_state.h"

static void stop(struct run *run, const char *reason)
{
	if (!run->reason)
		run->reason = reason;
	sandbox_kill(&run->sandbox);
}

static void break_off(struct run *run, const char *why)
{
	run->failed = true;
	failure_set(&run->failure, BLAME_REQUEST, "request", 0, "%s", why);
	sandbox_kill(&run->sandbox);
}

static void take_frame(struct run *run, const struct frame *frame)
{
	const char *why = "A frame that a running task does not take.";

	switch (frame->type) {
	case FRAME_KILL:
		/* Before STARTED it waits: the order of frames is the same for every run. */
		run->kill_asked = true;
		if (run->started)
			stop(run, "killed");
		return;
	case FRAME_DATA_IN:
	case FRAME_END_IN:
	case FRAME_CREDIT_IN:
		if (pump_frame(&run->pump, frame, &why))
			return;
		/* fall through */
	default:
		break_off(run, why);
	}
}

static void take_frames(struct run *run)
{
	struct frame frame;
	const char *why;

	while (!run->failed) {
		switch (connection_next(run->connection, &frame, &why)) {
		case FRAME_NONE:
			return;
		case FRAME_MALFORMED:
			break_off(run, why);
			return;
		case FRAME_TAKEN:
			take_frame(run, &frame);
		}
	}
}

static void receive(struct run *run)
{
	switch (connection_receive(run->connection)) {
	case RECEIVE_CLOSED:
		run->gone = true;
		return;
	case RECEIVE_AGAIN:
		return;
	case RECEIVED:
		take_frames(run);
	}
}

void run_setup(struct run *run)
{
	struct failure failure;

	switch (sandbox_setup(&run->sandbox, &failure)) {
	case SANDBOX_PREPARES:
		return;
	case SANDBOX_FAILED:
		/* A task that was killed because of something else tells nothing new. */
		if (!run->failed)
			run->failure = failure;
		run->failed = true;
		sandbox_kill(&run->sandbox);
		return;
	case SANDBOX_EXECUTED:
		run->started = true;
		notify_open(&run->notify, run->sandbox.listener);
		run->sandbox.listener = -1;
		watch_start(&run->watch, run->launcher->cpus);
		frame_send_started(run->connection, (uint64_t)run->sandbox.task);
		if (run->kill_asked)
			stop(run, "killed");
	}
}

static void out_of_memory(struct run *run)
{
	uint64_t count;

	/* v1: an eventfd, which has to be read to be quiet. v2: any change of memory.events wakes, and only a kill is the end. */
	if (run->cgroup.oom_events == POLLIN) {
		if (read(run->cgroup.oom_fd, &count, sizeof(count)) == sizeof(count))
			stop(run, "memory");
	} else if (run->launcher->cgroups.kind->oom_kills(&run->cgroup) > 0) {
		stop(run, "memory");
	}
}

void run_watch(struct run *run, struct pollfd fds[WATCH_COUNT])
{
	short out = connection_pending(run->connection) ? POLLOUT : 0;

	pump_watch(&run->pump, fds);
	/* A program may have written before the end of its setup is seen: STARTED comes first. */
	for (size_t i = 0; !run->started && i < FRAME_CHANNELS; i++)
		fds[i].fd = -1;
	fds[WATCH_CONNECTION] = (struct pollfd){ .fd = run->connection->fd, .events = POLLIN | out };
	fds[WATCH_ALIVE] = (struct pollfd){ .fd = run->launcher->alive, .events = POLLIN };
	fds[WATCH_PIDFD] = (struct pollfd){ .fd = run->sandbox.pidfd, .events = POLLIN };
	fds[WATCH_SETUP] = (struct pollfd){ .fd = run->sandbox.setup, .events = POLLIN };
	/* What it said until then is taken when there is something to wait for. */
	fds[WATCH_INIT] = (struct pollfd){ .fd = run->started ? run->sandbox.control : -1, .events = POLLIN };
	fds[WATCH_OOM] = (struct pollfd){ .fd = run->reason ? -1 : run->cgroup.oom_fd, .events = run->cgroup.oom_events };
	fds[WATCH_DENIALS] = notify_watch(&run->notify);
}

/* When to look at clocks again, as of poll(2). */
static int timeout_ms(const struct run *run)
{
	int watch_ms = run->reason || run->failed ? -1 : watch_timeout_ms(&run->watch), notify_ms = notify_timeout_ms(&run->notify);

	return watch_ms < 0 || (notify_ms >= 0 && notify_ms < watch_ms) ? notify_ms : watch_ms;
}

void run_receive(struct run *run, const struct pollfd fds[WATCH_COUNT])
{
	if (fds[WATCH_ALIVE].revents)
		run->gone = true;
	if (fds[WATCH_CONNECTION].revents & (POLLIN | POLLHUP | POLLERR))
		receive(run);
}

void run_send(struct run *run)
{
	if (connection_pending(run->connection))
		connection_flush(run->connection);
	if (run->connection->broken)
		run->gone = true;
}

/* Until everything foreign in the sandbox is dead: with init, or before it. */
static void serve(struct run *run)
{
	struct pollfd fds[WATCH_COUNT];

	/* What came together with the REQUEST is in the buffer already. */
	take_frames(run);
	for (;;) {
		const char *reason;

		run_watch(run, fds);
		if (poll(fds, WATCH_COUNT, timeout_ms(run)) < 0)
			continue;
		if (fds[WATCH_SETUP].revents)
			run_setup(run);
		run_receive(run, fds);
		pump_serve(&run->pump, fds);
		notify_serve(&run->notify, fds[WATCH_DENIALS].revents);
		if (fds[WATCH_OOM].revents)
			out_of_memory(run);
		if (!run->reason && (reason = watch_check(&run->watch)))
			stop(run, reason);
		run_send(run);
		if (fds[WATCH_INIT].revents)
			sandbox_hear(&run->sandbox, &run->request->limits);
		if (fds[WATCH_PIDFD].revents || run->sandbox.end.alone)
			return;
		if (run->gone) {
			/* What follows has no reader; the death of init is all there is to wait for. */
			sandbox_close(&run->sandbox);
			return;
		}
	}
}

/* What the slot has is the run's from here on. */
static bool take_slot(struct run *run, struct slot *slot)
{
	if (!slot_is_prepared(slot) && !slot_prepare(slot, run->launcher, &run->failure))
		return false;
	run->sandbox = slot->sandbox;
	run->cgroup = slot->cgroup;
	*slot = (struct slot)SLOT_EMPTY;
	return true;
}

static bool command(struct run *run)
{
	int fds[INIT_CHANNELS_MAX];
	bool commanded;

	if (!pump_open(&run->pump, run->connection, run->request, fds, &run->failure))
		return false;
	commanded = sandbox_command(&run->sandbox, &run->cgroup, fds, 3 + run->request->channel_count, &run->failure);
	for (size_t i = 0; i < 3 + run->request->channel_count; i++)
		close(fds[i]);
	if (!commanded)
		pump_close(&run->pump);
	return commanded;
}

static bool begin(struct run *run, const struct sandbox_request *request, struct slot *slot)
{
	run->watch = (struct watch){ .limits = &run->request->limits, .cgroup = &run->cgroup, .pump = &run->pump };
	if (!run->launcher->seccomp)
		return failure_set(&run->failure, BLAME_HOST, "seccomp", 0, "This kernel has no system call filters.");
	if (!take_slot(run, slot))
		return false;
	/* Init builds its root while the control group is limited and the pipes are made. */
	if (sandbox_build(&run->sandbox, run->launcher, request, &run->failure) &&
	    cgroup_limit(&run->cgroup, &run->request->limits, &run->failure) && command(run))
		return true;
	sandbox_close(&run->sandbox);
	cgroup_remove(&run->cgroup);
	return false;
}

bool run_serve(struct connection *connection, const struct launcher *launcher, const struct sandbox_request *request, struct slot *slot)
{
	static struct run run;
	bool clean;

	run = (struct run){
		.connection = connection, .launcher = launcher, .request = request->parsed, .notify = { .fd = -1 },
	};
	if (!begin(&run, request, slot)) {
		frame_send_failed(connection, &run.failure);
		connection_drain(connection, RUN_STALL_MS);
		return true;
	}
	serve(&run);
	clean = run_finish(&run);
	pump_close(&run.pump);
	disk_close(&run.sandbox.disk);
	return clean;
}
