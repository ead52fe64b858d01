#include "sandbox.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ids.h"
#include "kernel.h"
#include "message.h"
#include "task.h"

static const uint64_t NAMESPACES = K_CLONE_NEWNS | K_CLONE_NEWPID | K_CLONE_NEWNET | K_CLONE_NEWIPC | K_CLONE_NEWUTS;

static bool fail(struct failure *failure, const char *stage, const char *what)
{
	return failure_set(failure, BLAME_HOST, stage, errno, "%s", what);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

bool sandbox_can_start(bool root)
{
	struct k_clone_args arguments = { .flags = NAMESPACES | (root ? 0 : K_CLONE_NEWUSER), .exit_signal = SIGCHLD };
	pid_t pid = k_clone3(&arguments);
	int status;

	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, &status, __WALL) == pid && status == 0;
}

static bool make_init(struct sandbox *sandbox, const struct sandbox_plan *plan, struct failure *failure)
{
	const struct launcher *launcher = plan->launcher;
	struct k_clone_args arguments = {
		.flags = NAMESPACES | K_CLONE_PIDFD | (launcher->root ? 0 : K_CLONE_NEWUSER),
		.pidfd = (uint64_t)(uintptr_t)&sandbox->pidfd,
		.exit_signal = SIGCHLD,
	};

	sandbox->init = k_clone3(&arguments);
	if (sandbox->init == 0) {
		/* The keeper's ends are its alone, so that its death shows. */
		close(sandbox->control);
		close(sandbox->setup);
		init_main(plan);
	}
	if (sandbox->init < 0) {
		sandbox->pidfd = -1;
		return fail(failure, "namespaces", "The namespaces of the sandbox cannot be made");
	}
	return true;
}

static bool open_channels(struct sandbox *sandbox, int *init_end)
{
	int control[2], setup[2], on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0)
		return false;
	sandbox->control = control[0];
	*init_end = control[1];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, setup) < 0)
		return false;
	sandbox->setup = setup[0];
	sandbox->task_setup = setup[1];
	return setsockopt(sandbox->setup, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0;
}

static bool begin_rootless(struct sandbox *sandbox, const struct launcher *launcher, struct failure *failure)
{
	const struct init_command command = { .order = INIT_BEGIN };

	if (!ids_write_maps(sandbox->init, launcher->uid, launcher->gid))
		return fail(failure, "namespaces", "The user namespace cannot be given its ids");
	return message_send(sandbox->control, &command, sizeof(command), NULL, 0) ||
		fail(failure, "launcher", "Init cannot be commanded");
}

bool sandbox_start(struct sandbox *sandbox, const struct sandbox_plan *plan, struct failure *failure)
{
	struct sandbox_plan own = *plan;
	bool done;

	*sandbox = (struct sandbox){ .pidfd = -1, .control = -1, .setup = -1, .task_setup = -1, .listener = -1 };
	own.control = -1;
	if (!open_channels(sandbox, &own.control))
		done = fail(failure, "launcher", "The channels to the sandbox cannot be made");
	else
		done = make_init(sandbox, &own, failure) &&
			(plan->launcher->root || begin_rootless(sandbox, plan->launcher, failure));
	/* The sandbox holds its ends alone, so that its death shows. */
	close_fd(&own.control);
	if (!done)
		sandbox_close(sandbox);
	return done;
}

bool sandbox_command(struct sandbox *sandbox, const struct cgroup *cgroup, const int *fds, size_t count, struct failure *failure)
{
	struct cgroup_entrance entrance;
	struct init_command command = { .order = INIT_RUN, .channels = count };
	int all[INIT_FDS_MAX] = { sandbox->task_setup };
	bool done;

	cgroup_entrance(cgroup, &entrance);
	command.entrances = entrance.count;
	command.entrance_is_folder = entrance.is_folder;
	memcpy(all + 1, fds, sizeof(int) * count);
	memcpy(all + 1 + count, entrance.fds, sizeof(int) * entrance.count);
	done = message_send(sandbox->control, &command, sizeof(command), all, 1 + count + entrance.count);
	close_fd(&sandbox->task_setup);
	/* EPIPE: init is dead. Why it says on its channel. */
	return done || errno == EPIPE || fail(failure, "launcher", "Init cannot be commanded");
}

static bool map_task(struct sandbox *sandbox, const struct sandbox_plan *plan, struct failure *failure)
{
	const struct launcher *launcher = plan->launcher;

	if (launcher->root && launcher->user_namespace &&
	    !ids_write_maps(sandbox->task, plan->request->uid, plan->request->gid))
		return fail(failure, "namespaces", "The user namespace cannot be given its ids");
	/* A task that is dead by now tells so by the end of the socket. */
	send(sandbox->setup, &(char){ TASK_MAPPED }, 1, MSG_NOSIGNAL);
	return true;
}

enum sandbox_progress sandbox_setup(struct sandbox *sandbox, const struct sandbox_plan *plan, struct failure *failure)
{
	union {
		char kind;
		struct failure failure;
	} message;

	for (;;) {
		struct message_extra extra;
		ssize_t length = message_receive(sandbox->setup, &message, sizeof(message), MSG_DONTWAIT, &extra);

		if (length < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return SANDBOX_PREPARES;
		if (length == sizeof(message.failure)) {
			*failure = message.failure;
			close_fd(&sandbox->setup);
			return SANDBOX_FAILED;
		}
		if (length == 1 && message.kind == TASK_BORN && !sandbox->task) {
			sandbox->task = extra.pid;
			if (map_task(sandbox, plan, failure))
				continue;
		} else if (length == 1 && message.kind == TASK_EXECUTES) {
			sandbox->executes = true;
			sandbox->listener = extra.count ? extra.fds[0] : -1;
			continue;
		} else if (length == 0 && sandbox->executes) {
			close_fd(&sandbox->setup);
			return SANDBOX_EXECUTED;
		} else {
			failure_set(failure, BLAME_HOST, "launcher", 0, "The task was killed before it could be executed.");
		}
		close_fd(&sandbox->setup);
		return SANDBOX_FAILED;
	}
}

void sandbox_kill(const struct sandbox *sandbox)
{
	if (sandbox->pidfd >= 0)
		k_pidfd_send_signal(sandbox->pidfd, SIGKILL);
}

/* waitid(2) of glibc and musl leaves out the usage, which the system call gives. */
static void wait_init(struct sandbox *sandbox, struct rusage *usage)
{
	siginfo_t info;
	long result;

	memset(usage, 0, sizeof(*usage));
	do
		result = syscall(SYS_waitid, K_P_PIDFD, sandbox->pidfd, &info, WEXITED | __WALL, usage);
	while (result < 0 && errno == EINTR);
	close_fd(&sandbox->pidfd);
}

/* A dead peer that had not read everything is an error once (ECONNRESET); what it has sent is there nevertheless. */
static bool next_message(const struct sandbox *sandbox, struct init_message *message, struct message_extra *extra)
{
	ssize_t length = message_receive(sandbox->control, message, sizeof(*message), MSG_DONTWAIT, extra);

	if (length < 0 && errno == ECONNRESET)
		length = message_receive(sandbox->control, message, sizeof(*message), MSG_DONTWAIT, extra);
	return length == sizeof(*message);
}

void sandbox_reap(struct sandbox *sandbox, const struct request_limits *limits, struct disk *disk, struct sandbox_end *end)
{
	struct init_message message;
	struct message_extra extra;

	*end = (struct sandbox_end){ 0 };
	wait_init(sandbox, &end->usage);
	while (next_message(sandbox, &message, &extra)) {
		if (message.kind == INIT_READY && extra.count == 1) {
			disk_adopt(disk, extra.fds[0], limits->disk_bytes, limits->inodes, message.sealed_inodes);
		} else if (message.kind == INIT_FAILED) {
			end->failed = true;
			end->failure = message.failure;
		} else if (message.kind == INIT_ENDED) {
			end->ended = true;
			end->status = message.status;
		}
	}
	close_fd(&sandbox->control);
}

void sandbox_close(struct sandbox *sandbox)
{
	struct rusage usage;

	if (sandbox->pidfd >= 0) {
		sandbox_kill(sandbox);
		wait_init(sandbox, &usage);
	}
	close_fd(&sandbox->control);
	close_fd(&sandbox->setup);
	close_fd(&sandbox->task_setup);
	close_fd(&sandbox->listener);
}
