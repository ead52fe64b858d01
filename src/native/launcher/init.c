#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "disk.h"
#include "ids.h"
#include "kernel.h"
#include "message.h"
#include "root.h"
#include "task.h"

static _Noreturn void end_failed(const struct sandbox_plan *plan, const struct failure *failure)
{
	struct init_message message = { .kind = INIT_FAILED, .failure = *failure };

	message_send(plan->control, &message, sizeof(message), NULL, 0);
	_exit(1);
}

/* Waits for an order of this kind. Without a keeper there is nothing to do. */
static void take(const struct sandbox_plan *plan, enum init_order order, struct init_command *command, struct message_extra *extra)
{
	if (message_receive(plan->control, command, sizeof(*command), 0, extra) != sizeof(*command) || command->order != order ||
	    extra->count != (order == INIT_RUN ? 1 + command->channels + command->entrances : 0))
		_exit(0);
}

/* The death of the keeper is the death of everything in here. To be set again after every change of ids. */
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

static _Noreturn void reap(const struct sandbox_plan *plan, pid_t task)
{
	struct init_message message = { .kind = INIT_ENDED };

	for (;;) {
		pid_t pid = waitpid(-1, &message.status, __WALL);

		if (pid == task) {
			message_send(plan->control, &message, sizeof(message), NULL, 0);
			_exit(0);
		}
		if (pid < 0 && errno != EINTR)
			_exit(1);
	}
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

void init_main(const struct sandbox_plan *plan)
{
	struct disk disk = { .fd = -1, .context = -1 };
	struct build build = {
		.request = plan->request, .peer = plan->peer, .rootless = !plan->launcher->root, .stage = -1, .root = -1, .disk = &disk,
	};
	struct init_message ready = { .kind = INIT_READY };
	struct failure failure;
	struct message_extra extra;
	struct init_command command;
	pid_t task;

	die_with_keeper(plan);
	if (!plan->launcher->root)
		take(plan, INIT_BEGIN, &command, &extra);
	volunteer_for_oom();
	if (!hide_host(plan, &failure) || !root_enter(&build, &failure))
		end_failed(plan, &failure);
	/* Opening the host's paths may have changed ids, and that clears it. */
	die_with_keeper(plan);
	if (prctl(PR_SET_DUMPABLE, 0) < 0) {
		failure_set(&failure, BLAME_HOST, "ids", errno, "Init cannot be made undumpable");
		end_failed(plan, &failure);
	}
	ready.sealed_inodes = disk.sealed_inodes;
	if (!message_send(plan->control, &ready, sizeof(ready), &disk.fd, 1))
		_exit(1);
	disk_close(&disk);
	take(plan, INIT_RUN, &command, &extra);
	task = fork_task(&command, extra.fds, &failure);
	if (task == 0)
		task_main(plan, &command, extra.fds);
	if (task < 0 || !lay_down(plan, &failure))
		end_failed(plan, &failure);
	reap(plan, task);
}
