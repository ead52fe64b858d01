#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host_mounts.h"
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

static bool make_init(struct sandbox *sandbox, struct sandbox_plan *plan, struct failure *failure)
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
	bool mapped;
	int proc;

	proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	mapped = proc >= 0 && ids_write_maps(proc, sandbox->init, launcher->uid, launcher->gid);
	close_fd(&proc);
	if (!mapped)
		return fail(failure, "namespaces", "The user namespace cannot be given its ids");
	return message_send(sandbox->control, &command, sizeof(command), NULL, 0) ||
		fail(failure, "launcher", "Init cannot be commanded");
}

bool sandbox_start(struct sandbox *sandbox, const struct launcher *launcher, struct failure *failure)
{
	struct sandbox_plan plan = { .launcher = launcher, .control = -1 };
	bool done = false;

	*sandbox = (struct sandbox)SANDBOX_NONE;
	sandbox->given = mmap(NULL, sizeof(*sandbox->given), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sandbox->given == MAP_FAILED) {
		sandbox->given = NULL;
		fail(failure, "launcher", "There is no memory for a sandbox");
	} else if (!open_channels(sandbox, &plan.control)) {
		fail(failure, "launcher", "The channels to the sandbox cannot be made");
	} else {
		plan.given = sandbox->given;
		done = make_init(sandbox, &plan, failure) && (launcher->root || begin_rootless(sandbox, launcher, failure));
	}
	/* The sandbox holds its ends alone, so that its death shows. */
	close_fd(&plan.control);
	if (!done)
		sandbox_close(sandbox);
	return done;
}

/* EPIPE and ECONNRESET: init is dead. Why it says on its channel. */
static bool tell(const struct sandbox *sandbox, const struct init_command *command, const int *fds, size_t count, struct failure *failure)
{
	return message_send(sandbox->control, command, sizeof(*command), fds, count) || errno == EPIPE || errno == ECONNRESET ||
		fail(failure, "launcher", "Init cannot be commanded");
}

static bool give_mount(const struct sandbox *sandbox, const struct host_mount *mount, const struct peer *peer, struct failure *failure)
{
	struct init_command command = { .order = INIT_MOUNT };
	struct host_mount_copy copy;
	bool done;

	if (!host_mount_copy(mount, peer, false, &copy, failure))
		return false;
	memcpy(command.link, copy.link, sizeof(command.link));
	done = tell(sandbox, &command, &copy.fd, copy.fd >= 0, failure);
	if (copy.fd >= 0)
		close(copy.fd);
	return done;
}

bool sandbox_build(struct sandbox *sandbox, const struct launcher *launcher, const struct sandbox_request *request, struct failure *failure)
{
	static struct host_mount list[HOST_MOUNTS_MAX];
	const struct init_command build = { .order = INIT_BUILD };
	size_t count;

	sandbox->given->length = request->length;
	memcpy(sandbox->given->payload, request->payload, request->length);
	if (!tell(sandbox, &build, NULL, 0, failure))
		return false;
	if (!launcher->root)
		return true;
	count = host_mounts_list(request->parsed, list);
	for (size_t i = 0; i < count; i++)
		if (!give_mount(sandbox, &list[i], request->peer, failure))
			return false;
	return true;
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
	done = tell(sandbox, &command, all, 1 + count + entrance.count, failure);
	close_fd(&sandbox->task_setup);
	return done;
}

enum sandbox_progress sandbox_setup(struct sandbox *sandbox, struct failure *failure)
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
		if (length == 1 && message.kind == TASK_EXECUTES && !sandbox->executes) {
			sandbox->task = extra.pid;
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

void sandbox_hear(struct sandbox *sandbox, const struct request_limits *limits)
{
	struct sandbox_end *end = &sandbox->end;
	struct init_message message;
	struct message_extra extra;

	while (next_message(sandbox, &message, &extra)) {
		if (message.kind == INIT_READY && extra.count == 1) {
			disk_adopt(&sandbox->disk, extra.fds[0], limits->disk_bytes, limits->inodes, message.sealed_inodes);
		} else if (message.kind == INIT_FAILED) {
			end->failed = true;
			end->failure = message.failure;
		} else if (message.kind == INIT_ENDED) {
			end->ended = true;
			end->status = message.status;
			end->alone = message.alone;
			end->usage = message.usage;
		}
	}
}

void sandbox_reap(struct sandbox *sandbox, const struct request_limits *limits)
{
	wait_init(sandbox, &sandbox->end.usage);
	sandbox_hear(sandbox, limits);
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
	if (sandbox->given)
		munmap(sandbox->given, sizeof(*sandbox->given));
	sandbox->given = NULL;
}
