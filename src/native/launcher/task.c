#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "ids.h"
#include "kernel.h"
#include "landlock.h"
#include "message.h"
#include "seccomp.h"

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

enum { FIRST_HIGH_FD = 64 }; /* above every descriptor that a task is given */

static bool fail(struct failure *failure, const char *stage, const char *what)
{
	return failure_set(failure, BLAME_HOST, stage, errno, "%s", what);
}

/* Moves the descriptors of the channels to their numbers; `setup` is moved out of the way. Everything else is closed by exec. */
static bool place_fds(const struct request *request, int *setup, const int *channels, size_t count, struct failure *failure)
{
	int high[INIT_CHANNELS_MAX];

	int high_setup = fcntl(*setup, F_DUPFD_CLOEXEC, FIRST_HIGH_FD);

	/* All move up first, or one might be overwritten before it is placed. */
	for (size_t i = 0; i < count; i++)
		high[i] = fcntl(channels[i], F_DUPFD_CLOEXEC, FIRST_HIGH_FD);
	if (high_setup < 0 || k_close_range(FIRST_HIGH_FD, ~0u, K_CLOSE_RANGE_CLOEXEC) < 0)
		return fail(failure, "launcher", "The descriptors of the task cannot be arranged");
	*setup = high_setup;
	if (k_close_range(3, FIRST_HIGH_FD - 1, 0) < 0)
		return fail(failure, "launcher", "The descriptors of the launcher cannot be closed");
	for (size_t i = 0; i < count; i++) {
		int number = i < 3 ? (int)i : request->channels[i - 3].descriptor;

		if (high[i] < 0 || dup2(high[i], number) < 0)
			return fail(failure, "launcher", "A channel of the task cannot be placed");
	}
	return true;
}

static bool limit(int resource, uint64_t value, const char *what, struct failure *failure)
{
	struct rlimit both = { .rlim_cur = (rlim_t)value, .rlim_max = (rlim_t)value };

	return value == REQUEST_UNLIMITED || setrlimit(resource, &both) == 0 ||
		failure_set(failure, BLAME_HOST, "ids", errno, "The limit on %s cannot be set", what);
}

static bool set_limits(const struct request_limits *limits, struct failure *failure)
{
	/* 1 and not 0: at 0 the kernel still starts the program of the host that core_pattern may name, with the whole core; see core(5) and do_coredump() in Linux. */
	return limit(RLIMIT_CORE, 1, "core files", failure) && limit(RLIMIT_STACK, limits->stack_bytes, "the stack", failure) &&
		limit(RLIMIT_FSIZE, limits->disk_bytes, "the size of files", failure);
}

/* As if started by a shell (the launcher ignores SIGPIPE alone); but a write beyond RLIMIT_FSIZE fails with EFBIG and does not kill. */
static void reset_signals(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* v1: this process writes itself in. v2: it was born in its group. */
static bool join_cgroups(const struct init_command *command, const int *entrances, struct failure *failure)
{
	for (size_t i = 0; !command->entrance_is_folder && i < command->entrances; i++)
		if (write(entrances[i], "0", 1) != 1)
			return fail(failure, "cgroup", "The task cannot join its control group");
	return true;
}

/* What can be left behind while the old root still lies over the new one. */
static bool leave_launcher(const struct sandbox_plan *plan, struct failure *failure)
{
	/* After joining: the root of a cgroup namespace is the group at that moment. */
	if (unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL)
		return fail(failure, "namespaces", "No cgroup namespace can be made");
	/* A keyring that the launcher got from its own session would be searched on the task's behalf. */
	if (syscall(SYS_keyctl, K_KEYCTL_JOIN_SESSION_KEYRING, NULL, 0, 0, 0) < 0 && errno != ENOSYS && errno != EPERM)
		return fail(failure, "ids", "No session keyring can be made");
	/* While that is still allowed. */
	if (plan->launcher->root && setgroups(0, NULL) < 0)
		return fail(failure, "ids", "The groups of the launcher cannot be dropped");
	return setsid() >= 0 || fail(failure, "launcher", "No session can be made");
}

/* Until the old root is off, `/..` leads to it; and a process whose root is covered may make no user namespace. */
static bool wait_for_root(const struct gate *gate, struct failure *failure)
{
	char ignored;

	return read(gate->in, &ignored, 1) == 1 || fail(failure, "mounts", "The old root was not taken off");
}

static bool wait_for_ids(const struct gate *gate)
{
	char byte = 0;

	return write(gate->out, &byte, 1) == 1 && read(gate->in, &byte, 1) == 1;
}

/* Last of the namespaces, so that it owns no other. */
static bool make_user_namespace(const struct sandbox_plan *plan, struct failure *failure)
{
	return !plan->launcher->root || !plan->launcher->user_namespace ||
		(ids_make_user_namespace(plan->request->uid, plan->request->gid) && wait_for_ids(&plan->gate)) ||
		fail(failure, "namespaces", "No user namespace can be made");
}

static bool enter_workdir(const char *path, struct failure *failure)
{
	return chdir(path) == 0 ||
		failure_set(failure, BLAME_REQUEST, "root", errno, "The working folder %s cannot be entered", path);
}

static const char *search_path(char *const *env)
{
	for (; *env; env++)
		if (strncmp(*env, "PATH=", 5) == 0)
			return *env + 5;
	return DEFAULT_PATH;
}

/* execvp(3) without its shell: a file that is no program fails with ENOEXEC. Returns with errno. */
static void execute(const struct request *request)
{
	char path[2 * REQUEST_INSIDE_PATH_MAX + 2];
	int denied = 0;

	if (strchr(request->program, '/')) {
		execve(request->program, request->args, request->env);
		return;
	}
	errno = ENOENT;
	for (const char *folder = search_path(request->env);; folder++) {
		size_t length = strcspn(folder, ":");

		if (length <= REQUEST_INSIDE_PATH_MAX) {
			snprintf(path, sizeof(path), "%.*s%s%s", (int)length, folder, length ? "/" : "", request->program);
			execve(path, request->args, request->env);
			/* Somewhere further there may be one that can be executed. */
			if (errno == EACCES)
				denied = EACCES;
			else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
				return;
		}
		folder += length;
		if (!*folder)
			break;
	}
	errno = denied ? denied : ENOENT;
}

static bool blames_request(int error)
{
	/* What is left is a lack of something on this machine. */
	return error != ENOMEM && error != EAGAIN && error != EMFILE && error != ENFILE && error != EIO;
}

/* Returns only when something went wrong; `setup` is where to tell it. */
static void prepare_and_execute(const struct sandbox_plan *plan, const struct init_command *command, const int *fds, int *setup,
	struct failure *failure)
{
	const struct request *request = plan->request;
	int listener;

	if (!join_cgroups(command, fds + 1 + command->channels, failure) || !leave_launcher(plan, failure))
		return;
	reset_signals();
	if (!wait_for_root(&plan->gate, failure) || !make_user_namespace(plan, failure) ||
	    !place_fds(request, setup, fds + 1, command->channels, failure))
		return;
	if (!set_limits(&request->limits, failure) || !ids_become(request->uid, request->gid, failure) ||
	    !enter_workdir(request->workdir, failure) || !landlock_confine(plan->launcher->landlock, request, failure))
		return;
	if (!seccomp_install(&listener)) {
		fail(failure, "seccomp", "The system call filter cannot be installed");
		return;
	}
	/* Not before: the filter's listener needs a number, too, until exec. */
	if (!limit(RLIMIT_NOFILE, request->limits.open_files, "open files", failure))
		return;
	if (message_send(*setup, &(char){ TASK_EXECUTES }, 1, &listener, listener >= 0))
		execute(request);
	failure_set(failure, blames_request(errno) ? BLAME_REQUEST : BLAME_HOST, "exec", errno, "%s cannot be executed",
		request->program);
}

void task_main(const struct sandbox_plan *plan, const struct init_command *command, const int *fds)
{
	struct failure failure;
	int setup = fds[0];

	prepare_and_execute(plan, command, fds, &setup, &failure);
	/* By write(2), which the filter is sure to let through. */
	_exit(write(setup, &failure, sizeof(failure)) < 0 ? 126 : 125);
}
