#include "timens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kernel.h"

#define CLONE_NEWTIME_FLAG 0x00000080 /* clone3(2), unshare(2); Linux 5.6 */

enum { NS_PER_S = 1000000000 };

/* A line for timens_offsets: what takes this clock back to 0. Nanoseconds are never negative. */
static bool add_offset(char *text, size_t size, clockid_t clock)
{
	struct timespec now;
	long long s;
	long ns;

	if (clock_gettime(clock, &now) < 0)
		return false;
	s = -(long long)now.tv_sec - (now.tv_nsec ? 1 : 0);
	ns = now.tv_nsec ? NS_PER_S - now.tv_nsec : 0;
	snprintf(text + strlen(text), size - strlen(text), "%d %lld %ld\n", (int)clock, s, ns);
	return true;
}

static bool write_offsets(void)
{
	char text[128] = "";
	int fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	/* Both lines at once: the file takes one write. */
	bool done = fd >= 0 && add_offset(text, sizeof(text), CLOCK_MONOTONIC) &&
		add_offset(text, sizeof(text), CLOCK_BOOTTIME) && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return done;
}

static bool begin(void)
{
	return unshare(CLONE_NEWTIME_FLAG) == 0 && write_offsets();
}

bool timens_available(bool root)
{
	struct k_clone_args arguments = { .flags = root ? 0 : K_CLONE_NEWUSER, .exit_signal = SIGCHLD };
	pid_t pid = k_clone3(&arguments);
	int status;

	if (pid == 0)
		_exit(begin() ? 0 : 1);
	return pid > 0 && waitpid(pid, &status, __WALL) == pid && status == 0;
}

bool timens_begin(bool available, struct failure *failure)
{
	return !available || begin() ||
		failure_set(failure, BLAME_HOST, "namespaces", errno, "The clocks of the sandbox cannot be made");
}
