/*
 * The disk of a run or of a storage lease: ONE tmpfs, capped in bytes and inodes, that holds everything writable.
 *
 *     disk_create(&disk, …)       a detached mount, reached by `disk.fd` only
 *     disk_size(&disk, …)         says what the task may use
 *     disk_add_folder(&disk, …)   repeated
 *     disk_seal(&disk, …)         sets the caps, so that exactly `inodes` are left for the task beside what the launcher made
 *     … bind disk.fd's folders into the sandbox (open_tree(OPEN_TREE_CLONE) of a path below disk.fd, then move_mount) …
 *     disk_state(&disk)           as often as wanted, also after the mounts are gone: the fd keeps the tmpfs
 *     disk_close(&disk)
 *
 * Needs CAP_SYS_ADMIN over the user namespace of the caller's mount namespace. The folders' standard names:
 * DISK_TMP, DISK_SHM, DISK_WORK, and disk_output_name() for the N-th OUTPUT.
 */
#ifndef SOUK_DISK_H
#define SOUK_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "failure.h"

#define DISK_TMP "tmp"   /* mode 1777 */
#define DISK_SHM "shm"   /* mode 1777 */
#define DISK_WORK "work" /* mode 0755, the task's */
/* The overlay's, where the root is writable. */
#define DISK_ROOT_UPPER "root-upper"
#define DISK_ROOT_WORK "root-work"

enum { DISK_OUTPUT_NAME_BYTES = 8 };
/* "o0", "o1", … */
void disk_output_name(char name[DISK_OUTPUT_NAME_BYTES], unsigned index);

struct disk {
	int fd;                 /* O_PATH to the root of the tmpfs, close-on-exec; -1 when there is none */
	int context;            /* the fs context until disk_seal(), then -1 */
	uint64_t bytes, inodes; /* what the task may use */
	uint64_t sealed_inodes; /* in use when sealed: the launcher's own */
};

/*
 * A tmpfs of one page with nosuid and nodev, mode 0755, owned by the caller. `source` is the name it has in /proc/self/mountinfo. On false nothing
 * is left.
 */
bool disk_create(struct disk *disk, const char *source, struct failure *failure);
/*
 * What the task may use, from disk_seal() on. `bytes` are rounded up to a page; 0 bytes: every write fails with ENOSPC (one page, and a file of
 * the launcher's that fills it).
 */
bool disk_size(struct disk *disk, uint64_t bytes, uint64_t inodes, struct failure *failure);
/* Makes the folder `path` (relative to the disk's root; its parent exists) with exactly this mode and owner. */
bool disk_add_folder(struct disk *disk, const char *path, mode_t mode, uid_t uid, gid_t gid, struct failure *failure);
/* Sets the caps. Before this a task must not reach the disk. */
bool disk_seal(struct disk *disk, struct failure *failure);
/*
 * A disk that somebody else made and sealed (init does, and hands its fd to the keeper): `fd` is taken over.
 * `sealed_inodes` from the maker's struct.
 */
void disk_adopt(struct disk *disk, int fd, uint64_t bytes, uint64_t inodes, uint64_t sealed_inodes);

/*
 * A sealed disk that is reached by its mount only: `fd`, the root of that mount, is taken over. It has the launcher's
 * `folder_count` folders. False with errno set, `fd` closed.
 */
bool disk_reopen(struct disk *disk, int fd, unsigned folder_count);
/* Other caps for a sealed disk. False where more is used than they would allow, with `failure`; the caps are as they were then. */
bool disk_resize(struct disk *disk, uint64_t bytes, uint64_t inodes, struct failure *failure);

struct disk_state {
	bool bytes_full;  /* no page is left (with a cap of 0 bytes: and the task has made at least one inode) */
	bool inodes_full; /* no inode is left (never with a cap of 0 inodes: it cannot be told) */
};
struct disk_state disk_state(const struct disk *disk);

/* Closes the descriptors; a second call does nothing. */
void disk_close(struct disk *disk);

#endif
