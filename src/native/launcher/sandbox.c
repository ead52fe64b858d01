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

static bool command(const struct sandbox *sandbox, int setup, const int *fds, size_t count)
{
	int all[INIT_FDS_MAX] = { setup };

	memcpy(all + 1, fds, sizeof(int) * count);
	return message_send(sandbox->control, &(char){ INIT_RUN }, 1, all, count + 1);
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
	if (sandbox->init == 0)
		init_main(plan);
	if (sandbox->init < 0) {
		sandbox->pidfd = -1;
		return fail(failure, "namespaces", "The namespaces of the sandbox cannot be made");
	}
	return true;
}

bool sandbox_start(struct sandbox *sandbox, const struct sandbox_plan *plan, const int *fds, size_t count, struct failure *failure)
{
	const struct launcher *launcher = plan->launcher;
	struct sandbox_plan own = *plan;
	int control[2] = { -1, -1 }, setup[2] = { -1, -1 }, on = 1;
	bool done = false;

	*sandbox = (struct sandbox){ .pidfd = -1, .control = -1, .setup = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, setup) < 0 ||
	    setsockopt(setup[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
		fail(failure, "launcher", "The channels to the sandbox cannot be made");
		goto out;
	}
	sandbox->control = control[0];
	sandbox->setup = setup[0];
	own.control = control[1];
	/* Waiting in the channel already, init loses no time; but without root it may begin only when it has its ids. */
	if (launcher->root && !command(sandbox, setup[1], fds, count)) {
		fail(failure, "launcher", "Init cannot be commanded");
		goto out;
	}
	if (!make_init(sandbox, &own, failure))
		goto out;
	if (!launcher->root && !ids_write_maps(sandbox->init, launcher->uid, launcher->gid))
		fail(failure, "namespaces", "The user namespace cannot be given its ids");
	else if (!launcher->root && !command(sandbox, setup[1], fds, count))
		fail(failure, "launcher", "Init cannot be commanded");
	else
		done = true;
out:
	/* The sandbox holds the other ends alone, so that its death shows. */
	close_fd(&control[1]);
	close_fd(&setup[1]);
	if (!done) {
		sandbox->control = control[0];
		sandbox->setup = setup[0];
		sandbox_close(sandbox);
	}
	return done;
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

void sandbox_reap(struct sandbox *sandbox, const struct request_limits *limits, struct disk *disk, struct sandbox_end *end)
{
	struct init_message message;
	struct message_extra extra;

	*end = (struct sandbox_end){ 0 };
	wait_init(sandbox, &end->usage);
	while (message_receive(sandbox->control, &message, sizeof(message), MSG_DONTWAIT, &extra) == sizeof(message)) {
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
}
