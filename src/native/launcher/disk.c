#include "disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "kernel.h"

/* More than the launcher ever makes itself; 0 would mean no cap. */
enum { UNSEALED_INODES = 65536 };
/* Fills the one page of a disk of 0 bytes: a tmpfs of size 0 would have no cap. */
#define FILLER ".full"

static const char STAGE[] = "mounts";

void disk_output_name(char name[DISK_OUTPUT_NAME_BYTES], unsigned index)
{
	snprintf(name, DISK_OUTPUT_NAME_BYTES, "o%u", index % 100000U);
}

static bool set_text(int context, const char *key, const char *value)
{
	return k_fsconfig(context, K_FSCONFIG_SET_STRING, key, value) == 0;
}

static bool set_number(int context, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%llu", (unsigned long long)value);
	return set_text(context, key, text);
}

static bool fill(int disk_fd, size_t page)
{
	static const char zeros[4096];
	int fd = openat(disk_fd, FILLER, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0);
	bool filled = fd >= 0;

	for (size_t done = 0; filled && done < page; done += sizeof zeros)
		filled = write(fd, zeros, sizeof zeros) == (ssize_t)sizeof zeros;
	if (fd >= 0)
		close(fd);
	return filled;
}

static uint64_t page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t whole_pages(uint64_t bytes)
{
	uint64_t page = page_bytes();

	return (bytes + page - 1) / page * page;
}

bool disk_create(struct disk *disk, const char *source, struct failure *failure)
{
	*disk = (struct disk){.fd = -1};
	disk->context = k_fsopen("tmpfs");
	if (disk->context >= 0 && set_text(disk->context, "source", source) && set_number(disk->context, "size", page_bytes()) &&
	    set_number(disk->context, "nr_inodes", UNSEALED_INODES) && set_text(disk->context, "mode", "0755") &&
	    k_fsconfig(disk->context, K_FSCONFIG_CMD_CREATE, NULL, NULL) == 0)
		disk->fd = k_fsmount(disk->context, K_MOUNT_ATTR_NOSUID | K_MOUNT_ATTR_NODEV);
	if (disk->fd >= 0)
		return true;
	failure_set(failure, BLAME_HOST, STAGE, errno, "The disk of the task cannot be made");
	disk_close(disk);
	return false;
}

bool disk_size(struct disk *disk, uint64_t bytes, uint64_t inodes, struct failure *failure)
{
	disk->bytes = bytes;
	disk->inodes = inodes;
	/* The first page is there. After fsmount() the context stands for a change of the same file system. */
	return (bytes == 0 ? fill(disk->fd, page_bytes()) : set_number(disk->context, "size", whole_pages(bytes))) ||
	       failure_set(failure, BLAME_HOST, STAGE, errno, "The disk of the task cannot be given its size");
}

/* Opens a folder below the disk, following nothing. */
static int open_folder(int disk_fd, const char *path)
{
	char part[256];
	int fd = openat(disk_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	while (fd >= 0 && *path != '\0') {
		size_t length = strcspn(path, "/");
		int next = -1;

		if (length >= sizeof part) {
			errno = ENAMETOOLONG;
		} else {
			memcpy(part, path, length);
			part[length] = '\0';
			next = openat(fd, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		}
		int saved = errno;
		close(fd);
		errno = saved;
		fd = next;
		path += length + (path[length] == '/');
	}
	return fd;
}

bool disk_add_folder(struct disk *disk, const char *path, mode_t mode, uid_t uid, gid_t gid, struct failure *failure)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash == NULL ? path : slash + 1;
	char parent[4096] = "";
	int fd, folder = -1;
	bool made = false;

	if (slash != NULL)
		snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
	fd = open_folder(disk->fd, parent);
	/* The mode is set last, as a change of owner may clear bits, and by fchmod as mkdir's is cut by the umask. */
	if (fd >= 0 && mkdirat(fd, name, 0700) == 0)
		folder = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder >= 0)
		made = fchown(folder, uid, gid) == 0 && fchmod(folder, mode) == 0;
	if (!made)
		failure_set(failure, BLAME_HOST, STAGE, errno, "The folder %s of the disk cannot be made", path);
	if (folder >= 0)
		close(folder);
	if (fd >= 0)
		close(fd);
	return made;
}

bool disk_seal(struct disk *disk, struct failure *failure)
{
	struct statfs state;

	if (fstatfs(disk->fd, &state) != 0)
		return failure_set(failure, BLAME_HOST, STAGE, errno, "The disk of the task cannot be read");
	disk->sealed_inodes = state.f_files - state.f_ffree;
	if (!set_number(disk->context, "nr_inodes", disk->sealed_inodes + disk->inodes) ||
	    k_fsconfig(disk->context, K_FSCONFIG_CMD_RECONFIGURE, NULL, NULL) != 0)
		return failure_set(failure, BLAME_HOST, STAGE, errno, "The disk of the task cannot be capped");
	close(disk->context);
	disk->context = -1;
	return true;
}

void disk_adopt(struct disk *disk, int fd, uint64_t bytes, uint64_t inodes, uint64_t sealed_inodes)
{
	*disk = (struct disk){
		.fd = fd, .context = -1, .bytes = bytes, .inodes = inodes, .sealed_inodes = sealed_inodes};
}

static bool is_filled(const struct disk *disk)
{
	struct stat status;

	return fstatat(disk->fd, FILLER, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

bool disk_reopen(struct disk *disk, int fd, unsigned folder_count)
{
	struct statfs state;
	bool empty;

	*disk = (struct disk){.fd = fd, .context = -1};
	if (fstatfs(fd, &state) != 0) {
		disk_close(disk);
		return false;
	}
	empty = is_filled(disk);
	/* Its root is one too. */
	disk->sealed_inodes = 1 + folder_count + empty;
	disk->bytes = empty ? 0 : (uint64_t)state.f_blocks * (uint64_t)state.f_bsize;
	disk->inodes = state.f_files > disk->sealed_inodes ? state.f_files - disk->sealed_inodes : 0;
	return true;
}

/* The kernel refuses with EINVAL what is less than what is used. */
static bool set_caps(const struct disk *disk, uint64_t bytes, uint64_t inodes)
{
	int context = k_fspick(disk->fd), saved;
	bool set = context >= 0 && set_number(context, "size", bytes) && set_number(context, "nr_inodes", inodes) &&
		   k_fsconfig(context, K_FSCONFIG_CMD_RECONFIGURE, NULL, NULL) == 0;

	saved = errno;
	if (context >= 0)
		close(context);
	errno = saved;
	return set;
}

/* With the filler's page and inode beside what the task may use, so that it can come or go. */
static bool make_room(const struct disk *disk)
{
	bool filled = disk->bytes == 0;

	return set_caps(disk, whole_pages(disk->bytes) + page_bytes(), disk->sealed_inodes + disk->inodes + !filled);
}

static bool set_filler(const struct disk *disk, bool filled)
{
	return filled ? fill(disk->fd, page_bytes()) : unlinkat(disk->fd, FILLER, 0) == 0;
}

bool disk_resize(struct disk *disk, uint64_t bytes, uint64_t inodes, struct failure *failure)
{
	bool was_filled = disk->bytes == 0, filled = bytes == 0, changes = was_filled != filled, set;
	uint64_t sealed = disk->sealed_inodes - was_filled + filled;
	int saved;

	set = (!changes || (make_room(disk) && set_filler(disk, filled))) &&
	      set_caps(disk, filled ? page_bytes() : whole_pages(bytes), sealed + inodes);
	if (set) {
		disk->bytes = bytes;
		disk->inodes = inodes;
		disk->sealed_inodes = sealed;
		return true;
	}
	saved = errno;
	if (changes && is_filled(disk) != was_filled)
		set_filler(disk, was_filled);
	if (changes)
		set_caps(disk, was_filled ? page_bytes() : whole_pages(disk->bytes), disk->sealed_inodes + disk->inodes);
	if (saved == EINVAL)
		return failure_set(failure, BLAME_REQUEST, STAGE, 0, "More of the disk is used than it would then hold");
	return failure_set(failure, BLAME_HOST, STAGE, saved, "The caps of the disk cannot be changed");
}

struct disk_state disk_state(const struct disk *disk)
{
	struct statfs state;

	if (fstatfs(disk->fd, &state) != 0)
		return (struct disk_state){false, false};
	/* A disk of 0 bytes is full from the start: what tells a task that met this is an inode that it has made to write to. */
	return (struct disk_state){
		.bytes_full = state.f_bavail == 0 &&
			      (disk->bytes > 0 || state.f_files - state.f_ffree > disk->sealed_inodes),
		.inodes_full = state.f_ffree == 0 && disk->inodes > 0,
	};
}

void disk_close(struct disk *disk)
{
	if (disk->context >= 0)
		close(disk->context);
	if (disk->fd >= 0)
		close(disk->fd);
	disk->context = disk->fd = -1;
}
