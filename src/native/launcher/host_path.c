#include "host_path.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"

/*
 * A change of the file system uid from 0 takes the capabilities over files (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER …) out of the
 * effective set, and gives them back afterwards; see capabilities(7).
 */
static bool assume(const struct peer *peer)
{
	if (!peer->limited)
		return true;
	/* Groups of the launcher are none of the peer's. */
	if (setgroups(0, NULL) < 0)
		return false;
	setfsgid(peer->gid);
	setfsuid(peer->uid);
	/* setfsuid(2) returns no error: a call that changes nothing tells the id in force. */
	return (uid_t)setfsuid((uid_t)-1) == peer->uid && (gid_t)setfsgid((gid_t)-1) == peer->gid;
}

static void resume(const struct peer *peer)
{
	if (!peer->limited)
		return;
	setfsuid(geteuid());
	setfsgid(getegid());
}

/* O_PATH does not ask for the right to read what it opens; faccessat2(2) with AT_EACCESS does, with the file system ids. */
static bool may_read(int fd, const struct stat *status)
{
	int mode = S_ISDIR(status->st_mode) ? R_OK | X_OK : R_OK;

	return syscall(SYS_faccessat2, fd, "", mode, AT_EACCESS | K_AT_EMPTY_PATH) == 0;
}

static int open_as(const char *path, uint64_t flags, const struct peer *peer)
{
	struct stat status;
	int fd = -1, error;

	if (!assume(peer)) {
		errno = EPERM;
	} else {
		fd = k_openat2(AT_FDCWD, path, O_PATH | flags, K_RESOLVE_NO_MAGICLINKS);
		if (fd >= 0 && (fstat(fd, &status) < 0 || !may_read(fd, &status))) {
			error = errno;
			close(fd);
			errno = error;
			fd = -1;
		} else if (fd >= 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) {
			close(fd);
			errno = EINVAL;
			fd = -1;
		}
	}
	error = errno;
	resume(peer);
	errno = error;
	return fd;
}

int host_path_open(const char *path, const struct peer *peer, const char *stage, struct failure *failure)
{
	int fd = open_as(path, 0, peer);

	if (fd < 0)
		failure_set(failure, BLAME_HOST, stage, errno, "%s of this host cannot be used", path);
	return fd;
}

int host_path_open_folder(const char *path, const struct peer *peer, const char *stage, struct failure *failure)
{
	int fd = open_as(path, O_DIRECTORY | O_NOFOLLOW, peer);

	if (fd < 0)
		failure_set(failure, BLAME_HOST, stage, errno, "%s of this host is no folder that can be used", path);
	return fd;
}
