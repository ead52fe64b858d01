#define _GNU_SOURCE
#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel.h"

/* secret, five numbers of 8 bytes, and how many arguments and variables there are */
enum { NUMBERS = 5, FIXED_BYTES = SECRET_BYTES + NUMBERS * 8 + 4 + 4 };

/* The next of the strings, each of which ends with a NUL; NULL where there is none. */
static char *next_string(char **from, const char *end)
{
	char *string = *from;
	const char *nul = string < end ? memchr(string, 0, (size_t)(end - string)) : NULL;

	if (nul == NULL)
		return NULL;
	*from = string + (nul - string) + 1;
	return string;
}

bool order_parse(struct order *order, unsigned char *body, size_t bytes)
{
	if (bytes < FIXED_BYTES)
		return false;
	memcpy(order->secret, body, SECRET_BYTES);
	const unsigned char *numbers = body + SECRET_BYTES;
	order->wall_time_ms = read_u64(numbers);
	order->reattach_ms = read_u64(numbers + 8);
	order->open_files = read_u64(numbers + 16);
	order->file_bytes = read_u64(numbers + 24);
	order->stack_bytes = read_u64(numbers + 32);
	size_t argument_count = read_u32(numbers + 40);
	size_t variable_count = read_u32(numbers + 44);
	char *next = (char *)body + FIXED_BYTES;
	const char *end = (char *)body + bytes;
	/* Each takes one byte at least. */
	if (argument_count == 0 || argument_count > bytes || variable_count > bytes)
		return false;
	order->arguments = calloc(argument_count + 1, sizeof *order->arguments);
	if (order->arguments == NULL)
		return false;
	for (size_t i = 0; i < argument_count; i++) {
		order->arguments[i] = next_string(&next, end);
		if (order->arguments[i] == NULL)
			return false;
	}
	for (size_t i = 0; i < variable_count; i++) {
		char *variable = next_string(&next, end);
		if (variable == NULL || strchr(variable, '=') == NULL || putenv(variable) != 0)
			return false;
	}
	return next == end;
}

/* kill(2): pid -1 spares pid 1. */
void task_kill_all(void)
{
	for (;;) {
		kill(-1, SIGKILL);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

/*
 * When memory is short the kernel is to take the task, not the first process. Raising the score needs no right, but to
 * be dumpable, for who is not owns none of its files in /proc. There is nobody yet who could make use of that.
 */
static void offer_to_oom_killer(void)
{
	prctl(PR_SET_DUMPABLE, 1);
	int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (file < 0)
		return;
	if (write(file, "1000", 4) < 0) { /* then sizes decide, and the first process is the smallest */
	}
	close(file);
}

static bool limit(int resource, uint64_t value)
{
	const struct rlimit both = {.rlim_cur = value, .rlim_max = value};

	return setrlimit((__rlimit_resource_t)resource, &both) == 0;
}

/* Files past the limit are to fail with EFBIG, which the task can deal with, and not to end it: SIGXFSZ is ignored. */
static _Noreturn void become_task(const struct order *order, const int ends[3], int failure)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN);
	setsid();
	offer_to_oom_killer();
	sigprocmask(SIG_SETMASK, &none, NULL);
	bool ready = true;
	for (int stream = 0; stream < 3; stream++)
		ready = ready && dup2(ends[stream], stream) == stream;
	ready = ready && (order->file_bytes == 0 || limit(RLIMIT_FSIZE, order->file_bytes)) &&
		(order->stack_bytes == 0 || limit(RLIMIT_STACK, order->stack_bytes)) &&
		limit(RLIMIT_NOFILE, order->open_files);
	if (ready)
		execvp(order->arguments[0], order->arguments);
	uint32_t error = (uint32_t)errno;
	if (write(failure, &error, sizeof error) < 0)
		_exit(126);
	_exit(127);
}

static void close_both(int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

/* An end of its own, which the task's settings do not change, and which never makes this process wait. */
static int keep(int fd)
{
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

int task_start(const struct order *order, struct streams *streams, pid_t *task)
{
	int pipes[4][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
	int *in = pipes[0], *out = pipes[1], *err = pipes[2], *failure = pipes[3];
	int error = 0;

	for (int i = 0; i < 4 && error == 0; i++)
		if (pipe2(pipes[i], O_CLOEXEC) < 0)
			error = errno;
	*task = error == 0 ? fork() : -1;
	if (*task == 0)
		become_task(order, (const int[3]){in[0], out[1], err[1]}, failure[1]);
	if (*task < 0) {
		error = error == 0 ? errno : error;
		for (int i = 0; i < 4; i++)
			close_both(pipes[i]);
		return error;
	}
	close(in[0]);
	close(out[1]);
	close(err[1]);
	close(failure[1]);
	uint32_t said = 0;
	ssize_t got;
	do
		got = read(failure[0], &said, sizeof said);
	while (got < 0 && errno == EINTR);
	close(failure[0]);
	*streams = (struct streams){.in = keep(in[1]), .out = keep(out[0]), .err = keep(err[0])};
	return (int)said;
}
