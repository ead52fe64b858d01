#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "collect.h"
#include "folders.h"
#include "run_state.h"

/* What is left in the pipes of a dead task, as far as the client takes it. */
static void drain(struct run *run)
{
	uint64_t last_ns = watch_now_ns();

	for (;;) {
		struct pollfd fds[WATCH_COUNT];
		uint64_t now_ns;

		if (pump_drain(&run->pump))
			last_ns = watch_now_ns();
		/* What ends here goes with the REPORT. */
		if (!pump_has_output(&run->pump))
			return;
		run_send(run);
		if (run->gone || run->failed)
			return;
		now_ns = watch_now_ns();
		if (now_ns - last_ns >= (uint64_t)RUN_STALL_MS * 1000000) {
			pump_end_output(&run->pump);
			return;
		}
		/* The sandbox has nothing more to say: only the client is waited for. */
		run_watch(run, fds);
		for (size_t i = 0; i < WATCH_COUNT; i++)
			if (i != WATCH_CONNECTION && i != WATCH_ALIVE)
				fds[i].fd = -1;
		if (poll(fds, WATCH_COUNT, RUN_STALL_MS - (int)((now_ns - last_ns) / 1000000)) > 0)
			run_receive(run, fds);
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

/*
 * What all that init has waited for did. Of processes that the end of the sandbox killed the kernel keeps nothing, as nobody
 * waits for them: where the main process is among them there is nothing to tell.
 */
static void report_waited(struct records *records, const struct rusage *waited)
{
	static const uint64_t BLOCK_BYTES = 512;

	records_number(records, REPORT_IO_READ_BYTES, (uint64_t)waited->ru_inblock * BLOCK_BYTES);
	records_number(records, REPORT_IO_WRITE_BYTES, (uint64_t)waited->ru_oublock * BLOCK_BYTES);
	records_number(records, REPORT_CONTEXT_SWITCHES, (uint64_t)waited->ru_nvcsw + (uint64_t)waited->ru_nivcsw);
}

static bool is_time_limit(const char *reason)
{
	return strcmp(reason, "wallTime") == 0 || strcmp(reason, "cpuTime") == 0 || strcmp(reason, "idleTime") == 0;
}

static void report(struct run *run, const struct cgroup_usage *usage, uint64_t died_ns)
{
	static struct records records;
	const struct sandbox_end *end = &run->sandbox.end;
	struct disk_state disk = disk_state(&run->sandbox.disk);
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
	records_number(&records, REPORT_WALL_TIME_US, (died_ns - run->watch.started_ns) / 1000);
	records_number(&records, REPORT_MEMORY_PEAK_BYTES, usage->memory_peak_bytes);
	records_number(&records, REPORT_OOM_KILLS, usage->oom_kills);
	records_number(&records, REPORT_PIDS_DENIED, usage->pids_denied);
	records_number(&records, REPORT_DISK_FULL, disk.bytes_full);
	records_number(&records, REPORT_INODES_FULL, disk.inodes_full);
	records_number(&records, REPORT_USER_TIME_US, usage->user_us);
	records_number(&records, REPORT_SYSTEM_TIME_US, usage->system_us);
	if (usage->pids_peak)
		records_number(&records, REPORT_PIDS_PEAK, usage->pids_peak);
	if (end->ended)
		report_waited(&records, &end->usage);
	if (is_time_limit(reason))
		records_number(&records, REPORT_OVERSHOOT_US, watch_overshoot_us(&run->watch, reason, died_ns, usage->cpu_us));
	/* The filter's own kill, of a call of another architecture, is a denial that no listener is told of. */
	if (end->ended && WIFSIGNALED(end->status) && WTERMSIG(end->status) == SIGSYS)
		run->notify.total++;
	notify_report(&run->notify, &records);
	frame_send_report(run->connection, &records);
}

static bool collect(struct run *run)
{
	const struct request *request = run->request;
	char names[REQUEST_OUTPUTS_MAX][DISK_OUTPUT_NAME_BYTES];
	struct collect_folder folders[REQUEST_OUTPUTS_MAX];
	struct pollfd alive = { .fd = run->launcher->alive, .events = POLLIN };

	/* Waits for the client alone from here on; nothing is left that would have to be undone. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || poll(&alive, 1, 0) > 0)
		return false;
	folders_forget_binds(run->sandbox.disk.fd, request);
	for (size_t i = 0; i < request->output_count; i++) {
		disk_output_name(names[i], (unsigned)i);
		folders[i] = (struct collect_folder){ .name = names[i], .path = request->outputs[i] };
	}
	return collect_outputs(run->connection, &(struct collect){
		.disk_fd = run->sandbox.disk.fd,
		.folders = folders,
		.folder_count = request->output_count,
		.max_bytes = request->limits.disk_bytes,
	});
}

static void tell_failure(struct run *run, const struct cgroup_usage *usage)
{
	const struct sandbox_end *end = &run->sandbox.end;

	if (end->failed)
		run->failure = end->failure;
	else if (!run->failed)
		failure_set(&run->failure, BLAME_HOST, "launcher", 0, "The sandbox was killed before the task could be executed.");
	/* The task's own exec is charged to it: this is no fault of the host. The news of it may come before it is counted. */
	if (!run->started && (usage->oom_kills > 0 || (run->reason && strcmp(run->reason, "memory") == 0)))
		failure_set(&run->failure, BLAME_REQUEST, "exec", 0, "The limit on memory is too small for the program to be started.");
	frame_send_failed(run->connection, &run->failure);
	connection_drain(run->connection, RUN_STALL_MS);
}

/* Removes what is left of a run that is over. False when a control group could not be removed. */
static bool remove_all(struct run *run)
{
	sandbox_close(&run->sandbox);
	return cgroup_remove(&run->cgroup);
}

/* REPORT, results, DONE. What is left is removed when the client knows how the task ended; but before it is waited for. */
static bool tell_end(struct run *run, const struct cgroup_usage *usage, uint64_t died_ns)
{
	bool whole = !run->request->output_count, clean;

	report(run, usage, died_ns);
	if (whole)
		frame_send_done(run->connection);
	run_send(run);
	clean = remove_all(run);
	if (!whole && collect(run))
		frame_send_done(run->connection);
	connection_drain(run->connection, RUN_STALL_MS);
	return clean;
}

bool run_finish(struct run *run)
{
	struct cgroup_usage usage;
	uint64_t died_ns;

	if (run->sandbox.setup >= 0)
		run_setup(run);
	died_ns = watch_now_ns();
	if (run->sandbox.pidfd >= 0 && !run->sandbox.end.alone)
		sandbox_reap(&run->sandbox, &run->request->limits);
	notify_close(&run->notify);
	if (cgroup_counts_cpu(&run->cgroup))
		cgroup_usage(&run->cgroup, &usage);
	else
		usage_from_init(&run->sandbox.end.usage, &usage);
	if (run->started && !run->failed && !run->gone)
		drain(run);
	if (run->started && !run->failed && !run->gone)
		return tell_end(run, &usage, died_ns);
	if (!run->gone)
		tell_failure(run, &usage);
	return remove_all(run);
}
