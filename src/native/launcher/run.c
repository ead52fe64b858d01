/*
 * prepare    control group, pipes, init; until the task executes (STARTED) or something fails (FAILED)
 * running    bytes, credit, limits; until init is dead, by itself or by our hand
 * finish     usage, control group removed, what is left in the pipes, REPORT, results, DONE
 */
#include "run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "collect.h"
#include "disk.h"
#include "folders.h"
#include "pump.h"
#include "sandbox.h"
#include "watch.h"

enum {
	DRAIN_STALL_MS = 10000, /* a client that takes nothing more of a dead task's output for so long loses it */
	WATCH_CONNECTION = FRAME_CHANNELS,
	WATCH_ALIVE,
	WATCH_PIDFD,
	WATCH_SETUP,
	WATCH_OOM,
	WATCH_COUNT,
};

struct run {
	struct connection *connection;
	const struct launcher *launcher;
	const struct request *request;
	struct sandbox_plan plan;
	struct cgroup cgroup;
	struct pump pump;
	struct sandbox sandbox;
	struct disk disk;
	struct watch watch;
	const char *reason;     /* why the keeper ends the task, or NULL */
	bool started;
	bool kill_asked;
	bool gone;              /* nobody listens any more */
	bool failed;            /* `failure` is what there is to say */
	struct failure failure;
};

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

static void setup(struct run *run)
{
	struct failure failure;

	switch (sandbox_setup(&run->sandbox, &run->plan, &failure)) {
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

static void watch_fds(struct run *run, struct pollfd fds[WATCH_COUNT])
{
	short out = connection_pending(run->connection) ? POLLOUT : 0;

	pump_watch(&run->pump, fds);
	fds[WATCH_CONNECTION] = (struct pollfd){ .fd = run->connection->fd, .events = POLLIN | out };
	fds[WATCH_ALIVE] = (struct pollfd){ .fd = run->launcher->alive, .events = POLLIN };
	fds[WATCH_PIDFD] = (struct pollfd){ .fd = run->sandbox.pidfd, .events = POLLIN };
	fds[WATCH_SETUP] = (struct pollfd){ .fd = run->sandbox.setup, .events = POLLIN };
	fds[WATCH_OOM] = (struct pollfd){ .fd = run->reason ? -1 : run->cgroup.oom_fd, .events = run->cgroup.oom_events };
}

/* Frames and bytes; the same before and after the death of the task. */
static void exchange(struct run *run, const struct pollfd fds[WATCH_COUNT])
{
	if (fds[WATCH_ALIVE].revents)
		run->gone = true;
	if (fds[WATCH_CONNECTION].revents & (POLLIN | POLLHUP | POLLERR))
		receive(run);
}

static void send_pending(struct run *run)
{
	if (connection_pending(run->connection))
		connection_flush(run->connection);
	if (run->connection->broken)
		run->gone = true;
}

/* Until init, and with it everything, is dead. */
static void serve(struct run *run)
{
	struct pollfd fds[WATCH_COUNT];

	/* What came together with the REQUEST is in the buffer already. */
	take_frames(run);
	for (;;) {
		const char *reason;

		watch_fds(run, fds);
		if (poll(fds, WATCH_COUNT, run->reason || run->failed ? -1 : watch_timeout_ms(&run->watch)) < 0)
			continue;
		if (fds[WATCH_SETUP].revents)
			setup(run);
		exchange(run, fds);
		pump_serve(&run->pump, fds);
		if (fds[WATCH_OOM].revents)
			out_of_memory(run);
		if (!run->reason && (reason = watch_check(&run->watch)))
			stop(run, reason);
		send_pending(run);
		if (fds[WATCH_PIDFD].revents)
			return;
		if (run->gone) {
			/* What follows has no reader; the death of init is all there is to wait for. */
			sandbox_close(&run->sandbox);
			return;
		}
	}
}

/* What is left in the pipes of a dead task, as far as the client takes it. */
static void drain(struct run *run)
{
	uint64_t last_ns = watch_now_ns();

	for (;;) {
		struct pollfd fds[WATCH_COUNT];
		uint64_t now_ns;

		if (pump_drain(&run->pump))
			last_ns = watch_now_ns();
		send_pending(run);
		if (run->gone || run->failed || !pump_has_output(&run->pump))
			return;
		now_ns = watch_now_ns();
		if (now_ns - last_ns >= (uint64_t)DRAIN_STALL_MS * 1000000) {
			pump_end_output(&run->pump);
			return;
		}
		watch_fds(run, fds);
		for (size_t i = 0; i < FRAME_CHANNELS; i++)
			fds[i].fd = -1;
		if (poll(fds, WATCH_COUNT, DRAIN_STALL_MS - (int)((now_ns - last_ns) / 1000000)) > 0)
			exchange(run, fds);
	}
}

static uint64_t microseconds(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* Without control groups: of what init has waited for, which daemons that outlived the task are not among. */
static void usage_from_init(const struct rusage *from, struct cgroup_usage *usage)
{
	*usage = (struct cgroup_usage){
		.user_us = microseconds(from->ru_utime),
		.system_us = microseconds(from->ru_stime),
		.memory_peak_bytes = (uint64_t)from->ru_maxrss * 1024,
	};
	usage->cpu_us = usage->user_us + usage->system_us;
}

static void report(struct run *run, const struct sandbox_end *end, const struct cgroup_usage *usage, uint64_t wall_us)
{
	static struct records records;
	struct disk_state disk = disk_state(&run->disk);
	const char *reason = run->reason ? run->reason : "";

	/* A main process whose end init could still tell ended before it was killed; by the kernel, where memory ran out. */
	if (usage->oom_kills > 0)
		reason = "memory";
	else if (end->ended && strcmp(reason, "memory") != 0)
		reason = "";
	records_begin(&records);
	if (end->ended && WIFEXITED(end->status))
		records_number(&records, REPORT_EXIT_CODE, (uint64_t)WEXITSTATUS(end->status));
	else
		records_number(&records, REPORT_SIGNAL, end->ended ? (uint64_t)WTERMSIG(end->status) : SIGKILL);
	records_text(&records, REPORT_REASON, reason);
	records_number(&records, REPORT_CPU_TIME_US, usage->cpu_us);
	records_number(&records, REPORT_WALL_TIME_US, wall_us);
	records_number(&records, REPORT_MEMORY_PEAK_BYTES, usage->memory_peak_bytes);
	records_number(&records, REPORT_OOM_KILLS, usage->oom_kills);
	records_number(&records, REPORT_PIDS_DENIED, usage->pids_denied);
	records_number(&records, REPORT_DISK_FULL, disk.bytes_full);
	records_number(&records, REPORT_INODES_FULL, disk.inodes_full);
	records_number(&records, REPORT_USER_TIME_US, usage->user_us);
	records_number(&records, REPORT_SYSTEM_TIME_US, usage->system_us);
	frame_send_report(run->connection, &records);
}

static bool collect(struct run *run)
{
	const struct request *request = run->request;
	char names[REQUEST_OUTPUTS_MAX][DISK_OUTPUT_NAME_BYTES];
	struct collect_folder folders[REQUEST_OUTPUTS_MAX];
	struct pollfd alive = { .fd = run->launcher->alive, .events = POLLIN };

	if (!request->output_count)
		return true;
	/* Waits for the client alone from here on; nothing is left that would have to be undone. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || poll(&alive, 1, 0) > 0)
		return false;
	folders_forget_binds(run->disk.fd, request);
	for (size_t i = 0; i < request->output_count; i++) {
		disk_output_name(names[i], (unsigned)i);
		folders[i] = (struct collect_folder){ .name = names[i], .path = request->outputs[i] };
	}
	return collect_outputs(run->connection, &(struct collect){
		.disk_fd = run->disk.fd,
		.folders = folders,
		.folder_count = request->output_count,
		.max_bytes = request->limits.disk_bytes,
	});
}

static void tell_failure(struct run *run, const struct sandbox_end *end, const struct cgroup_usage *usage)
{
	if (end->failed)
		run->failure = end->failure;
	else if (!run->failed)
		failure_set(&run->failure, BLAME_HOST, "launcher", 0, "The sandbox was killed before the task could be executed.");
	/* The task's own exec is charged to it: this is no fault of the host. */
	if (!run->started && usage->oom_kills > 0)
		failure_set(&run->failure, BLAME_REQUEST, "exec", 0, "The limit on memory is too small for the program to be started.");
	frame_send_failed(run->connection, &run->failure);
	connection_drain(run->connection, DRAIN_STALL_MS);
}

static bool finish(struct run *run)
{
	struct sandbox_end end = { 0 };
	struct cgroup_usage usage;
	uint64_t wall_us;
	bool clean;

	if (run->sandbox.setup >= 0)
		setup(run);
	wall_us = (watch_now_ns() - run->watch.started_ns) / 1000;
	if (run->sandbox.pidfd >= 0)
		sandbox_reap(&run->sandbox, &run->request->limits, &run->disk, &end);
	sandbox_close(&run->sandbox);
	if (cgroup_counts_cpu(&run->cgroup))
		cgroup_usage(&run->cgroup, &usage);
	else
		usage_from_init(&end.usage, &usage);
	clean = cgroup_remove(&run->cgroup);
	if (run->gone)
		return clean;
	if (run->started && !run->failed)
		drain(run);
	if (run->gone)
		return clean;
	if (!run->started || run->failed) {
		tell_failure(run, &end, &usage);
		return clean;
	}
	report(run, &end, &usage, wall_us);
	if (collect(run)) {
		frame_send_done(run->connection);
		connection_drain(run->connection, DRAIN_STALL_MS);
	}
	return clean;
}

static bool begin(struct run *run, const struct peer *peer)
{
	const struct request *request = run->request;
	int fds[INIT_CHANNELS_MAX];
	bool begun;

	run->plan = (struct sandbox_plan){
		.launcher = run->launcher, .peer = peer, .request = request, .cgroup = &run->cgroup, .control = -1,
	};
	run->watch = (struct watch){ .limits = &request->limits, .cgroup = &run->cgroup, .pump = &run->pump };
	if (!run->launcher->seccomp)
		return failure_set(&run->failure, BLAME_HOST, "seccomp", 0, "This kernel has no system call filters.");
	if (!cgroup_create(&run->cgroup, &run->launcher->cgroups, &request->limits, &run->failure))
		return false;
	if (!pump_open(&run->pump, run->connection, request, fds, &run->failure)) {
		cgroup_remove(&run->cgroup);
		return false;
	}
	begun = sandbox_start(&run->sandbox, &run->plan, fds, 3 + request->channel_count, &run->failure);
	for (size_t i = 0; i < 3 + request->channel_count; i++)
		close(fds[i]);
	if (!begun) {
		pump_close(&run->pump);
		cgroup_remove(&run->cgroup);
	}
	return begun;
}

bool run_serve(struct connection *connection, const struct launcher *launcher, const struct peer *peer, const struct request *request)
{
	static struct run run;
	bool clean;

	run = (struct run){
		.connection = connection, .launcher = launcher, .request = request, .disk = { .fd = -1, .context = -1 },
	};
	if (!begin(&run, peer)) {
		frame_send_failed(connection, &run.failure);
		connection_drain(connection, DRAIN_STALL_MS);
		return true;
	}
	serve(&run);
	clean = finish(&run);
	pump_close(&run.pump);
	disk_close(&run.disk);
	return clean;
}
