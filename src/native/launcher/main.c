/*
 * souk-launcher --socket PATH --instance ID [--peer-uid UID]
 *
 * Listens, and keeps a few keepers ahead of the connections that they will accept, one each. Ends in order when its standard input ends, where that is a pipe or a socket, or at
 * SIGTERM or SIGINT. Exit codes: LAUNCHER_…
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ids.h"
#include "keeper.h"
#include "landlock.h"
#include "launcher.h"
#include "sandbox.h"
#include "seccomp.h"
#include "storage.h"
#include "timens.h"
#include "watch.h"

enum launcher_exit {
	LAUNCHER_ENDED = 0,
	LAUNCHER_USAGE = 64,  /* EX_USAGE: the command line */
	LAUNCHER_OSERR = 71,  /* EX_OSERR: the socket, or something else of the system */
};

enum {
	KEEPERS_MAX = 1024,
	INSTANCE_MAX = 32,
	WAITING_MAX = 8,     /* keepers that wait for a connection, each with a slot */
	REFILL_MS = 4,       /* after a connection, so that preparing the next slot does not hold up the task */
	FAILED_WAIT_MS = 200, /* before a keeper that died without a connection is replaced, or one that could not be forked */
	END_WAIT_MS = 10000, /* for keepers to clear up, before they are killed */
	NO_UID = -1,
};

struct options {
	const char *socket;
	const char *instance;
	long long peer_uid; /* or NO_UID */
};

struct keeper {
	pid_t pid;
	bool waiting; /* has accepted no connection yet */
};

struct server {
	struct launcher launcher;
	struct options options;
	int signals;
	int alive_write; /* the launcher's own end of launcher.alive */
	int taken_read;  /* and of launcher.taken */
	struct keeper keepers[KEEPERS_MAX];
	size_t keeper_count;
	size_t waiting;
	size_t waiting_wanted;
	uint64_t refill_ns; /* when to fork one more, where there are fewer than wanted */
	uint64_t hold_ns;   /* before that none is forked */
};

static bool is_instance(const char *text)
{
	size_t length = strlen(text);

	return length >= 1 && length <= INSTANCE_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static bool parse_options(int argc, char **argv, struct options *options)
{
	*options = (struct options){ .peer_uid = NO_UID };
	for (int i = 1; i < argc; i += 2) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		char *end = NULL;

		if (!value)
			return false;
		if (strcmp(argv[i], "--socket") == 0) {
			options->socket = value;
		} else if (strcmp(argv[i], "--instance") == 0) {
			options->instance = value;
		} else if (strcmp(argv[i], "--peer-uid") == 0) {
			errno = 0;
			options->peer_uid = strtoll(value, &end, 10);
			if (errno || !*value || *end || options->peer_uid < 0 || options->peer_uid >= UINT32_MAX)
				return false;
		} else {
			return false;
		}
	}
	/* Another user can only be served with its own rights, and only root can take those on. */
	return options->socket && options->socket[0] == '/' && options->instance && is_instance(options->instance) &&
		strlen(options->socket) < sizeof(((struct sockaddr_un *)0)->sun_path) &&
		(options->peer_uid == NO_UID || geteuid() == 0);
}

static bool fail(const char *what)
{
	fprintf(stderr, "souk-launcher: %s: %s\n", what, strerror(errno));
	return false;
}

static bool listen_at(struct server *server)
{
	const char *path = server->options.socket;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat status;
	mode_t old;
	bool bound;

	memcpy(address.sun_path, path, strlen(path));
	if (lstat(path, &status) == 0 && (!S_ISSOCK(status.st_mode) || unlink(path) < 0))
		return fail("what lies at the socket's path cannot be replaced");
	server->launcher.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->launcher.listener < 0)
		return fail("no socket");
	/* 0600 from its first moment. */
	old = umask(0177);
	bound = bind(server->launcher.listener, (struct sockaddr *)&address, sizeof(address)) == 0;
	umask(old);
	if (!bound || (server->options.peer_uid != NO_UID && lchown(path, (uid_t)server->options.peer_uid, (gid_t)-1) < 0) ||
	    listen(server->launcher.listener, 128) < 0)
		return fail("the socket cannot be listened at");
	return true;
}

static bool open_signals(struct server *server)
{
	sigset_t set;

	/* What whoever started it ignores would be ignored in every task. */
	for (int number = 1; number < NSIG; number++)
		if (number != SIGKILL && number != SIGSTOP)
			signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	signal(SIGPIPE, SIG_IGN);
	server->signals = sigprocmask(SIG_SETMASK, &set, NULL) < 0 ? -1 : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return server->signals >= 0 || fail("signals cannot be received");
}

static bool open_launcher(struct server *server)
{
	struct launcher *launcher = &server->launcher;
	int alive[2], taken[2];

	launcher->instance = server->options.instance;
	launcher->uid = geteuid();
	launcher->gid = getegid();
	launcher->peer_uid = server->options.peer_uid == NO_UID ? launcher->uid : (uid_t)server->options.peer_uid;
	launcher->root = launcher->uid == 0;
	launcher->cpus = sysconf(_SC_NPROCESSORS_ONLN) > 0 ? (unsigned)sysconf(_SC_NPROCESSORS_ONLN) : 1;
	launcher->seccomp = seccomp_prepare(seccomp_listener_flags()) && seccomp_available();
	launcher->landlock = landlock_abi();
	launcher->namespaces = sandbox_can_start(launcher->root);
	launcher->user_namespace = ids_can_make_user_namespace();
	launcher->time_namespace = timens_available(launcher->root);
	if (pipe2(alive, O_CLOEXEC) < 0 || pipe2(taken, O_CLOEXEC | O_NONBLOCK) < 0)
		return fail("no pipe");
	launcher->alive = alive[0];
	server->alive_write = alive[1];
	launcher->taken = taken[1];
	server->taken_read = taken[0];
	/* A slot is some memory and two processes: enough of them that a burst on all cores meets them. */
	server->waiting_wanted = 2 * launcher->cpus < WAITING_MAX ? 2 * launcher->cpus : WAITING_MAX;
	cgroup_host_open(&launcher->cgroups, launcher->instance);
	if (launcher->cgroups.kind && !cgroup_host_clear(&launcher->cgroups, NULL))
		fprintf(stderr, "souk-launcher: control groups that an earlier launcher left cannot be removed\n");
	if (launcher->root)
		storage_remove_left(launcher->instance);
	return true;
}

/* In the keeper: what belongs to the launcher alone. Standard error stays, for diagnostics. */
static void leave_launcher(const struct server *server)
{
	sigset_t set;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	close(server->signals);
	close(server->alive_write);
	close(server->taken_read);
	dup2(null, 0);
	dup2(null, 1);
	if (null > 2)
		close(null);
	/*
	 * A signal to the whole service or terminal must not kill keepers before they have cleared up: that the launcher ends they see by `alive`.
	 */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_SETMASK, &set, NULL);
	prctl(PR_SET_NAME, "souk-slot");
}

/* What went wrong would go wrong at once again. */
static void hold_refill(struct server *server)
{
	server->hold_ns = watch_now_ns() + (uint64_t)FAILED_WAIT_MS * 1000000;
}

static void fork_keeper(struct server *server)
{
	pid_t pid = fork();

	if (pid == 0) {
		leave_launcher(server);
		_exit(keeper_serve(&server->launcher));
	}
	if (pid < 0) {
		hold_refill(server);
		return;
	}
	server->keepers[server->keeper_count++] = (struct keeper){ .pid = pid, .waiting = true };
	server->waiting++;
}

static struct keeper *find_keeper(struct server *server, pid_t pid)
{
	for (size_t i = 0; i < server->keeper_count; i++)
		if (server->keepers[i].pid == pid)
			return &server->keepers[i];
	return NULL;
}

static void delay_refill(struct server *server, unsigned ms)
{
	server->refill_ns = watch_now_ns() + (uint64_t)ms * 1000000;
}

static void stop_waiting(struct server *server, struct keeper *keeper)
{
	if (!keeper || !keeper->waiting)
		return;
	keeper->waiting = false;
	server->waiting--;
}

static void take_news(struct server *server)
{
	pid_t pids[64];
	ssize_t length;

	while ((length = read(server->taken_read, pids, sizeof(pids))) > 0) {
		for (size_t i = 0; i < (size_t)length / sizeof(pids[0]); i++)
			stop_waiting(server, find_keeper(server, pids[i]));
		delay_refill(server, REFILL_MS);
	}
}

/*
 * Half of the keepers that are wanted are kept at any time. The others wait for a quiet moment, in which preparing a slot does not compete with the
 * task that has just been started. Returns the milliseconds until then, as of poll(2).
 */
static int refill(struct server *server)
{
	uint64_t now_ns = watch_now_ns();
	bool due = now_ns >= server->refill_ns;

	if (server->keeper_count == KEEPERS_MAX || server->waiting >= server->waiting_wanted)
		return -1;
	if (now_ns < server->hold_ns)
		return (int)((server->hold_ns - now_ns) / 1000000) + 1;
	if (due || server->waiting < (server->waiting_wanted + 1) / 2)
		fork_keeper(server);
	if (due)
		delay_refill(server, REFILL_MS);
	if (now_ns < server->hold_ns)
		return FAILED_WAIT_MS;
	return server->waiting < (server->waiting_wanted + 1) / 2 ? 0 : REFILL_MS;
}

/* A keeper that was killed has taken its sandbox with it, but not the control group. Cleared by a child, as it may take a while. */
static void clear_after(struct server *server, pid_t keeper)
{
	char name[16];

	if (!server->launcher.cgroups.kind || fork() != 0)
		return;
	snprintf(name, sizeof(name), "%ld", (long)keeper);
	cgroup_host_clear(&server->launcher.cgroups, name);
	_exit(0);
}

static void reap(struct server *server)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct keeper *keeper;

		/* What it wrote came before its end. */
		take_news(server);
		keeper = find_keeper(server, pid);
		if (keeper && keeper->waiting)
			hold_refill(server);
		stop_waiting(server, keeper);
		if (keeper)
			*keeper = server->keepers[--server->keeper_count];
		if (status != 0)
			clear_after(server, pid);
	}
}

/* False when the launcher is to end. */
static bool take_signals(struct server *server)
{
	struct signalfd_siginfo info;
	bool go_on = true;

	while (read(server->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD)
			go_on = false;
	reap(server);
	return go_on;
}

/* Whoever started it may hold the other end. What a service manager gives (/dev/null) would have ended at once. */
static bool has_lifeline(void)
{
	struct stat status;

	return fstat(STDIN_FILENO, &status) == 0 && (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
}

static void serve(struct server *server)
{
	int lifeline = has_lifeline() ? STDIN_FILENO : -1;

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = lifeline, .events = POLLIN },
			{ .fd = server->signals, .events = POLLIN },
			{ .fd = server->taken_read, .events = POLLIN },
		};
		char ignored[64];

		if (poll(fds, 3, refill(server)) < 0)
			continue;
		if (fds[0].revents && read(STDIN_FILENO, ignored, sizeof(ignored)) <= 0)
			return;
		if (fds[1].revents && !take_signals(server))
			return;
		if (fds[2].revents)
			take_news(server);
	}
}

/* A node makes a folder for the socket, and when it was killed nobody but this process is left to remove it. Its path is not used after this. */
static void remove_socket(struct server *server)
{
	static char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	unlink(server->options.socket);
	strcpy(folder, server->options.socket);
	slash = strrchr(folder, '/');
	if (!has_lifeline() || slash == folder)
		return;
	*slash = '\0';
	rmdir(folder); /* where it is empty */
}

/* Lets the keepers clear up, then clears up itself. */
static void end(struct server *server)
{
	uint64_t end_ns = watch_now_ns() + (uint64_t)END_WAIT_MS * 1000000;

	close(server->launcher.listener);
	remove_socket(server);
	close(server->alive_write);
	while (server->keeper_count > 0 && watch_now_ns() < end_ns) {
		struct pollfd signals = { .fd = server->signals, .events = POLLIN };

		poll(&signals, 1, 100);
		take_signals(server);
	}
	for (size_t i = 0; i < server->keeper_count; i++)
		kill(server->keepers[i].pid, SIGKILL);
	cgroup_host_remove(&server->launcher.cgroups);
	if (server->launcher.root)
		storage_remove_left(server->launcher.instance);
}

int main(int argc, char **argv)
{
	static struct server server;
	static char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)], instance[INSTANCE_MAX + 1];

	umask(022);
	if (!parse_options(argc, argv, &server.options)) {
		fprintf(stderr, "usage: souk-launcher --socket PATH --instance ID [--peer-uid UID]\n");
		return LAUNCHER_USAGE;
	}
	/* Copies, as init wipes the command line out. */
	strcpy(socket_path, server.options.socket);
	strcpy(instance, server.options.instance);
	server.options.socket = socket_path;
	server.options.instance = instance;
	server.launcher.arguments = argv[0];
	server.launcher.arguments_bytes = (size_t)(argv[argc - 1] + strlen(argv[argc - 1]) - argv[0]);
	if (!open_signals(&server) || !open_launcher(&server) || !listen_at(&server))
		return LAUNCHER_OSERR;
	if (write(STDOUT_FILENO, "ready\n", 6) != 6)
		return LAUNCHER_OSERR;
	serve(&server);
	end(&server);
	return LAUNCHER_ENDED;
}
