/* Finding and ending mounts of this mount namespace by what /proc/self/mountinfo says of them (proc_pid_mountinfo(5)). */
#ifndef SOUK_MOUNT_TABLE_H
#define SOUK_MOUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The id of the mount that `fd` (may be O_PATH) lies in; -1 with errno set. */
int mount_table_id(int fd);

/* Whether `fd`, a folder, is the root of a mount: its parent folder lies in another one. */
bool mount_table_is_root(int fd);

/* Whether the mount `id` is a tmpfs named `source`. */
bool mount_table_is_disk(int id, const char *source);

/*
 * Detaches the mount whose root `fd` is, by the descriptor: no path is looked up that somebody could have changed. False with errno set;
 * EINVAL: `fd` is no root of a mount.
 */
bool mount_table_detach(int fd);

/* Detaches every tmpfs named `source`, 4096 at most. */
void mount_table_detach_all(const char *source);

#endif
