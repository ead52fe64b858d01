#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "ids.h"
#include "kernel.h"
#include "message.h"
#include "root.h"
#include "task.h"
#include "timens.h"

static _Noreturn void end_failed(const struct sandbox_plan *plan, const struct failure *failure)
{
	struct init_message message = { .kind = INIT_FAILED, .failure = *failure };

	message_send(plan->control, &message, sizeof(message), NULL, 0);
	_exit(1);
}

static size_t fds_with(const struct init_command *command, const struct message_extra *extra)
{
	switch (command->order) {
	case INIT_RUN:
		return 1 + command->channels + command->entrances;
	case INIT_MOUNT:
		return extra->count > 0;
	default:
		return 0;
	}
}

/* Waits for an order of this kind. Without a keeper there is nothing to do. */
static void take(int control, enum init_order order, struct init_command *command, struct message_extra *extra)
{
	if (message_receive(control, command, sizeof(*command), 0, extra) != sizeof(*command) || command->order != order ||
	    extra->count != fds_with(command, extra))
		_exit(0);
}

static bool mount_of_keeper(const struct build *build, const struct host_mount *mount, struct host_mount_copy *copy, struct failure *failure)
{
	struct init_command command;
	struct message_extra extra;

	(void)mount;
	(void)failure;
	take(build->control, INIT_MOUNT, &command, &extra);
	copy->fd = extra.count > 0 ? extra.fds[0] : -1;
	memcpy(copy->link, command.link, sizeof(copy->link));
	return true;
}

/* Without root nobody is served but the launcher's own user. */
static bool mount_of_own(const struct build *build, const struct host_mount *mount, struct host_mount_copy *copy, struct failure *failure)
{
	const struct peer self = { .uid = geteuid(), .gid = getegid() };

	(void)build;
	return host_mount_copy(mount, &self, true, copy, failure);
}

/* The death of the keeper is the death of everything in here. A change of ids would clear it; init makes none. */
static void die_with_keeper(const struct sandbox_plan *plan)
{
	struct pollfd control = { .fd = plan->control };

	/* The second look is for a keeper that died before the first call; its end of the socket is closed then. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || (poll(&control, 1, 0) > 0 && (control.revents & POLLHUP)))
		_exit(0);
}

/* Nothing of the host shows: not its name, nor the launcher's command line at /proc/1/cmdline. */
static bool hide_host(const struct sandbox_plan *plan, struct failure *failure)
{
	memset(plan->launcher->arguments, 0, plan->launcher->arguments_bytes);
	if (prctl(PR_SET_NAME, "souk-init") < 0 || sethostname("souk", 4) < 0 || setdomainname("", 0) < 0)
		return failure_set(failure, BLAME_HOST, "namespaces", errno, "The name of the host cannot be hidden");
	return true;
}

/* When the host itself runs out of memory, tasks go before the node. Best effort: it is no limit of the task's. */
static void volunteer_for_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "500", 3) < 0)
		errno = 0;
	close(fd);
}

static pid_t fork_task(const struct init_command *command, const int *fds, struct failure *failure)
{
	struct k_clone_args arguments = { .exit_signal = SIGCHLD };
	pid_t pid;

	if (command->entrance_is_folder && command->entrances) {
		arguments.flags = K_CLONE_INTO_CGROUP;
		arguments.cgroup = (uint64_t)fds[1 + command->channels];
	}
	pid = k_clone3(&arguments);
	if (pid < 0)
		failure_set(failure, BLAME_HOST, arguments.flags ? "cgroup" : "launcher", errno, "The task cannot be forked");
	return pid;
}

/* Whoever lives in the sandbox is a child of init, or a child of one: without children init is alone. */
static bool is_alone(void)
{
	pid_t pid;

	do
		pid = waitpid(-1, NULL, __WALL | WNOHANG);
	while (pid > 0 || (pid < 0 && errno == EINTR));
	return pid < 0 && errno == ECHILD;
}

static _Noreturn void reap(const struct sandbox_plan *plan, pid_t task)
{
	struct init_message message = { .kind = INIT_ENDED };

	for (;;) {
		pid_t pid = waitpid(-1, &message.status, __WALL);

		if (pid == task) {
			message.alone = is_alone();
			getrusage(RUSAGE_CHILDREN, &message.usage);
			message_send(plan->control, &message, sizeof(message), NULL, 0);
			_exit(0);
		}
		if (pid < 0 && errno != EINTR)
			_exit(1);
	}
}

static bool make_gate(struct gate *init, struct gate *task)
{
	int down[2], up[2];

	if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0)
		return false;
	*init = (struct gate){ .in = up[0], .out = down[1] };
	*task = (struct gate){ .in = down[0], .out = up[1] };
	return true;
}

/* EPIPE: the task is dead, which shows. */
static bool release(const struct gate *gate, struct failure *failure)
{
	return write(gate->out, "", 1) == 1 || errno == EPIPE ||
		failure_set(failure, BLAME_HOST, "launcher", errno, "The task cannot be let go on");
}

/* The task cannot do it itself: its files in /proc would be its own only if it were dumpable. */
static bool map_ids(const struct sandbox_plan *plan, const struct gate *gate, int proc, pid_t task, struct failure *failure)
{
	char ignored;

	/* A task that ends here has said why. */
	if (!plan->launcher->root || !plan->launcher->user_namespace || read(gate->in, &ignored, 1) != 1)
		return true;
	return ids_write_maps(proc, task, plan->request->uid, plan->request->gid) ? release(gate, failure) :
		failure_set(failure, BLAME_HOST, "namespaces", errno, "The user namespace of the task cannot be given its ids");
}

/* What init holds from here on can only be harmful. */
static bool lay_down(const struct sandbox_plan *plan, struct failure *failure)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			return failure_set(failure, BLAME_HOST, "launcher", errno, "/dev/null of the sandbox cannot be used");
	if (k_close_range(3, (unsigned)plan->control - 1, 0) < 0 || k_close_range((unsigned)plan->control + 1, ~0u, 0) < 0)
		return failure_set(failure, BLAME_HOST, "launcher", errno, "Descriptors of the launcher cannot be closed");
	return ids_drop_capabilities(failure);
}

static void prepare(const struct sandbox_plan *plan, struct build *build)
{
	struct failure failure;

	die_with_keeper(plan);
	if (build->rootless) {
		struct message_extra extra;
		struct init_command command;

		take(plan->control, INIT_BEGIN, &command, &extra);
	}
	volunteer_for_oom();
	if (!hide_host(plan, &failure) || !timens_begin(plan->launcher->time_namespace, &failure) ||
	    !root_prepare(build, &failure))
		end_failed(plan, &failure);
	if (prctl(PR_SET_DUMPABLE, 0) < 0) {
		failure_set(&failure, BLAME_HOST, "ids", errno, "Init cannot be made undumpable");
		end_failed(plan, &failure);
	}
}

/* As the keeper has parsed it: this cannot fail but for want of memory. */
static void take_request(struct sandbox_plan *plan)
{
	static struct request request;
	char error[REQUEST_ERROR_BYTES];
	struct message_extra extra;
	struct init_command command;
	struct failure failure;

	take(plan->control, INIT_BUILD, &command, &extra);
	if (!request_parse(plan->given->payload, plan->given->length, &request, error)) {
		failure_set(&failure, BLAME_HOST, "launcher", 0, "%s", error);
		end_failed(plan, &failure);
	}
	plan->request = &request;
}

static void build_root(const struct sandbox_plan *plan, struct build *build)
{
	struct init_message ready = { .kind = INIT_READY };
	struct failure failure;

	build->request = plan->request;
	if (!root_enter(build, &failure))
		end_failed(plan, &failure);
	ready.sealed_inodes = build->disk.sealed_inodes;
	if (!message_send(plan->control, &ready, sizeof(ready), &build->disk.fd, 1))
		_exit(1);
	disk_close(&build->disk);
}

void init_main(struct sandbox_plan *plan)
{
	struct build build = {
		.rootless = !plan->launcher->root, .stage = -1, .root = -1, .proc_writable = -1,
		.disk = { .fd = -1, .context = -1 }, .control = plan->control,
		.next_mount = plan->launcher->root ? mount_of_keeper : mount_of_own,
	};
	struct failure failure;
	struct message_extra extra;
	struct init_command command;
	struct gate gate;
	pid_t task;

	prepare(plan, &build);
	take_request(plan);
	build_root(plan, &build);
	take(plan->control, INIT_RUN, &command, &extra);
	if (!make_gate(&gate, &plan->gate)) {
		failure_set(&failure, BLAME_HOST, "launcher", errno, "There are no pipes for the task");
		end_failed(plan, &failure);
	}
	task = fork_task(&command, extra.fds, &failure);
	if (task == 0)
		task_main(plan, &command, extra.fds);
	close(plan->gate.in);
	close(plan->gate.out);
	/* Meanwhile the task prepares itself: what the kernel waits for here would hold it up. */
	if (task < 0 || !root_uncover(&failure) || !release(&gate, &failure) ||
	    !map_ids(plan, &gate, build.proc_writable, task, &failure) || !lay_down(plan, &failure))
		end_failed(plan, &failure);
	reap(plan, task);
}
