/*
 * Primitives over the kernel's mount API (open_tree(2), move_mount(2), mount_setattr(2), fsopen(2)): every mount is made detached, gets its
 * attributes before anybody can reach it, and is then attached. (A read-only bind made by one mount(2) is writable.)
 */
#ifndef SOUK_MOUNTS_H
#define SOUK_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>

struct mount_option {
	const char *key;
	const char *value; /* NULL: a flag */
};

/* A new file system, detached; `options` end with a NULL key. Its fd or -1 with errno. */
int mounts_new(const char *type, const struct mount_option *options, unsigned attributes);
/* A detached copy of the mount below `path` of `folder` ("" is `folder` itself), with mounts below it if `recursive`. Its fd or -1 with errno. */
int mounts_copy(int folder, const char *path, bool recursive);
/*
 * Sets and clears attributes (K_MOUNT_ATTR_…) of the mount whose root `mount` is, and makes it private. A copy of a shared mount is its peer
 * (mount_namespaces(7)): what is attached below the one would appear below the other, on the host too, and stay there.
 */
bool mounts_change(int mount, uint64_t set, uint64_t clear, bool recursive);
/* Attaches the detached `mount` to `path` of `folder` ("" is `folder` itself). */
bool mounts_attach(int mount, int folder, const char *path);

#endif
