#include "ids.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"

enum { SHARERS = 8 };

bool ids_can_make_user_namespace(void)
{
	struct k_clone_args arguments = { .flags = K_CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t pid = k_clone3(&arguments);
	int status;

	if (pid == 0)
		_exit(0);
	return pid > 0 && waitpid(pid, &status, __WALL) == pid && status == 0;
}

/*
 * The kernel bounds what the owner of a namespace has in all of its namespaces by the limit that the maker of each had. Without the
 * right to have none (CAP_SYS_RESOURCE) the owner's part is shared: then no task gets more than a fraction.
 */
static bool share_out(int resource, struct rlimit *own)
{
	const struct rlimit unlimited = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };

	if (getrlimit(resource, own) < 0)
		return false;
	if (setrlimit(resource, &unlimited) == 0)
		return true;
	if (own->rlim_cur != RLIM_INFINITY)
		own->rlim_cur /= SHARERS;
	own->rlim_max = own->rlim_cur;
	return errno == EPERM;
}

static bool write_proc(int process, const char *file, const char *text)
{
	int fd = openat(process, file, O_WRONLY | O_CLOEXEC);
	ssize_t written;
	int error;

	if (fd < 0)
		return false;
	written = write(fd, text, strlen(text));
	error = errno;
	close(fd);
	errno = error;
	return written == (ssize_t)strlen(text);
}

/* Groups that a process was given to be kept out of something must stay: setgroups first, and for good. */
static bool write_maps(int process, uid_t uid, gid_t gid)
{
	char users[64], groups[64];

	snprintf(users, sizeof(users), "%u %u 1", uid, uid);
	snprintf(groups, sizeof(groups), "%u %u 1", gid, gid);
	return write_proc(process, "setgroups", "deny") && write_proc(process, "gid_map", groups) &&
		write_proc(process, "uid_map", users);
}

bool ids_write_maps(int proc, pid_t pid, uid_t uid, gid_t gid)
{
	char name[24];
	int process, error;
	bool done;

	snprintf(name, sizeof(name), "%ld", (long)pid);
	process = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0)
		return false;
	done = write_maps(process, uid, gid);
	error = errno;
	close(process);
	errno = error;
	return done;
}

bool ids_make_user_namespace(uid_t uid, gid_t gid)
{
	struct rlimit signals, queues;

	if (!share_out(RLIMIT_SIGPENDING, &signals) || !share_out(RLIMIT_MSGQUEUE, &queues))
		return false;
	/* The capabilities stay with the change of ids: some hosts let only who has them make namespaces. The new one comes without this setting.
	   A change of ids makes it what fs.suid_dumpable says, which may be dumpable. */
	return prctl(PR_SET_SECUREBITS, K_SECBIT_NO_SETUID_FIXUP, 0, 0, 0) == 0 && setegid(gid) == 0 && seteuid(uid) == 0 &&
		prctl(PR_SET_DUMPABLE, 0) == 0 && unshare(CLONE_NEWUSER) == 0 && setrlimit(RLIMIT_SIGPENDING, &signals) == 0 &&
		setrlimit(RLIMIT_MSGQUEUE, &queues) == 0;
}

static bool fail(struct failure *failure, const char *what)
{
	return failure_set(failure, BLAME_HOST, "ids", errno, "%s", what);
}

static bool drop_bounding_set(void)
{
	for (unsigned long capability = 0; capability < 64; capability++)
		if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			/* EINVAL: one above the last that this kernel knows. */
			return errno == EINVAL && capability > 0;
	return true;
}

static bool clear_capabilities(void)
{
	const struct k_cap_header header = { .version = K_CAPABILITY_VERSION_3 };
	const struct k_cap_data none[2] = { { 0 }, { 0 } };

	return k_capset(&header, none) == 0 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0;
}

static bool drop_all(struct failure *failure)
{
	if (!clear_capabilities())
		return fail(failure, "Capabilities cannot be dropped");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(failure, "no_new_privs cannot be set");
	return true;
}

bool ids_drop_capabilities(struct failure *failure)
{
	return drop_bounding_set() ? drop_all(failure) :
		fail(failure, "The bounding set of capabilities cannot be emptied");
}

bool ids_become(uid_t uid, gid_t gid, struct failure *failure)
{
	/* The bounding set goes first: it takes CAP_SETPCAP, which a change of uid may take away. */
	if (!drop_bounding_set())
		return fail(failure, "The bounding set of capabilities cannot be emptied");
	if (setresgid(gid, gid, gid) < 0)
		return fail(failure, "The group of the task cannot be set");
	if (setresuid(uid, uid, uid) < 0)
		return fail(failure, "The user of the task cannot be set");
	return drop_all(failure);
}
