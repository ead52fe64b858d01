/*
 * The root file system of a sandbox, built by init in its own mount namespace and entered by pivot_root(2).
 *
 * Everything small that the launcher makes itself lies on one tmpfs, the *stage*, stacked on the host's root for as long as it is built:
 *     root/           the root where no ROOT_FOLDER is given
 *     lower/ upper/ work/    the overlay over ROOT_FOLDER; upper holds nothing but mount points
 *     dev/            what is bound to /dev
 *     disk/           where the disk is attached, so that its folders can be bound
 *     mask-file mask-folder  what lies over parts of /proc
 * The stage goes with the host's root when that is unmounted; only what was bound from it stays.
 */
#ifndef SOUK_ROOT_H
#define SOUK_ROOT_H

#include <stdbool.h>

#include "disk.h"
#include "failure.h"
#include "launcher.h"
#include "request.h"

struct build {
	const struct request *request;
	const struct peer *peer;
	bool rootless;  /* copies of the host's mounts have to include the mounts below them: user namespaces lock those */
	int stage;
	int root;       /* of the new root file system, once it is attached */
	struct disk *disk;
};

/* All of it: afterwards `/` is the new root, nothing of the host can be reached, and `disk` is made and sealed. */
bool root_enter(struct build *build, struct failure *failure);

/* devices.c: /dev, then /proc and the masks over it. */
bool devices_mount(struct build *build, struct failure *failure);
bool devices_mount_proc(struct build *build, struct failure *failure);

/* folders.c: the disk with /tmp, /dev/shm, WORKDIR and the OUTPUT folders; then the binds; then the cap on the disk. */
bool folders_mount(struct build *build, struct failure *failure);

#endif
