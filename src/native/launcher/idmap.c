#include "idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"

enum { LAST_ID = UINT32_MAX - 1 };

static size_t add_extent(char *text, size_t size, uint32_t from, uint32_t to, uint32_t count)
{
	return count ? (size_t)snprintf(text, size, "%" PRIu32 " %" PRIu32 " %" PRIu32 "\n", from, to, count) : 0;
}

/* A map of all ids in which two have changed places. One that is given twice is the identity. */
static void write_swap(char *text, size_t size, uint32_t one, uint32_t other)
{
	uint32_t a = one < other ? one : other, b = one < other ? other : one;
	size_t at = add_extent(text, size, 0, 0, a);

	at += add_extent(text + at, size - at, a, b, 1);
	if (a != b) {
		at += add_extent(text + at, size - at, a + 1, a + 1, b - a - 1);
		at += add_extent(text + at, size - at, b, a, 1);
	}
	add_extent(text + at, size - at, b + 1, b + 1, (uint32_t)LAST_ID - b);
}

static bool write_map(int process, const char *file, uint32_t one, uint32_t other)
{
	char text[256];
	int fd = openat(process, file, O_WRONLY | O_CLOEXEC), error;
	bool done;

	if (fd < 0)
		return false;
	write_swap(text, sizeof(text), one, other);
	done = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	error = errno;
	close(fd);
	errno = error;
	return done;
}

/* The child that a user namespace needs until somebody else holds it. Without its parent it ends. */
static _Noreturn void hold_namespace(const int channel[2])
{
	close(channel[0]);
	if (unshare(CLONE_NEWUSER) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && write(channel[1], "", 1) == 1)
		pause();
	_exit(1);
}

static int open_namespace(pid_t holder, int channel, struct idmap_owner one, struct idmap_owner other)
{
	char path[32], ready;
	int process, namespace = -1, error;

	if (read(channel, &ready, 1) != 1) {
		errno = ENOSPC; /* as unshare(2) says where user namespaces are switched off */
		return -1;
	}
	snprintf(path, sizeof(path), "/proc/%ld", (long)holder);
	process = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0)
		return -1;
	if (write_map(process, "uid_map", one.uid, other.uid) && write_map(process, "gid_map", one.gid, other.gid))
		namespace = openat(process, "ns/user", O_RDONLY | O_CLOEXEC);
	error = errno;
	close(process);
	errno = error;
	return namespace;
}

bool idmap_swap(int mount, struct idmap_owner one, struct idmap_owner other)
{
	struct k_clone_args arguments = { .exit_signal = SIGCHLD };
	struct k_mount_attr attributes = { .attr_set = K_MOUNT_ATTR_IDMAP };
	int channel[2], namespace = -1, error;
	bool done = false;
	pid_t holder;

	if (pipe2(channel, O_CLOEXEC) < 0)
		return false;
	holder = k_clone3(&arguments);
	if (holder == 0)
		hold_namespace(channel);
	close(channel[1]);
	if (holder > 0)
		namespace = open_namespace(holder, channel[0], one, other);
	if (namespace >= 0) {
		attributes.userns_fd = (uint64_t)namespace;
		done = k_mount_setattr(mount, "", K_AT_EMPTY_PATH, &attributes) == 0;
	}
	error = errno;
	if (namespace >= 0)
		close(namespace);
	if (holder > 0) {
		kill(holder, SIGKILL);
		waitpid(holder, NULL, __WALL);
	}
	close(channel[0]);
	errno = error;
	return done;
}
