/*
 * The root file system of a sandbox, made by init in its own mount namespace in two steps: what is the same for every run, before there is a
 * request; the rest when there is one.
 *
 * Everything small that the launcher makes itself lies on one tmpfs, the *stage*:
 *     root/           the root where no ROOT_FOLDER is given
 *     lower/ upper/ work/    the overlay over ROOT_FOLDER; upper holds nothing but mount points. With ROOT_WRITABLE the last two are on the disk
 *     dev/            what is bound to /dev
 *     disk/           where the disk is attached, so that its folders can be bound
 *     mask/           an empty file and an empty folder, which lie over parts of /proc
 * With root the stage becomes the root of init in the first step, and nothing of the host is in its namespace any more: not what is mounted there, and not what
 * will be unmounted. Without root it lies on top of the host's root, whose mounts only init has the right to copy. In the second
 * step the task's root becomes the root; the stage goes, and only what was taken from it stays.
 */
#ifndef SOUK_ROOT_H
#define SOUK_ROOT_H

#include <stdbool.h>

#include "disk.h"
#include "failure.h"
#include "host_mounts.h"
#include "request.h"

enum { ROOT_FIXED_MAX = 3 };

struct build {
	bool rootless;
	int stage;
	int root;       /* of the task's root file system: an empty one from the first step on */
	/* What is mounted in every root: /dev, with what is mounted in it, /proc, /tmp. */
	struct { int mount; const char *path; } fixed[ROOT_FIXED_MAX];
	size_t fixed_count;
	int proc_writable; /* the same /proc, detached, for init and the task until it executes */
	struct disk disk;
	const struct request *request; /* in the second step */
	/* Gives the next mount of host_mounts_list(). */
	bool (*next_mount)(const struct build *build, const struct host_mount *mount, struct host_mount_copy *copy, struct failure *failure);
	int control;    /* for next_mount() */
};

bool root_prepare(struct build *build, struct failure *failure);
/* Afterwards `/` is the new root, and the disk is sealed. The old root lies over it until it is taken off, and `/..` leads there. */
bool root_enter(struct build *build, struct failure *failure);
/* The kernel waits here for all CPUs to let go of it. False with `failure` unless nothing but the new root is left. */
bool root_uncover(struct failure *failure);

/* Mounts something in the root. */
bool root_place(struct build *build, int mount, const char *path, struct failure *failure);
/* The same for what is to be in every root; takes `mount` over. */
bool root_fix(struct build *build, int mount, const char *path, struct failure *failure);

/* devices.c: /dev, and /proc with the masks over it. */
bool devices_mount(struct build *build, struct failure *failure);

/* folders.c: the disk with /tmp and /dev/shm; later WORKDIR and the OUTPUTs. */
bool folders_prepare(struct build *build, struct failure *failure);
/* The upper layer of a root that the task may change; `lower` is the root of the lower one. */
bool folders_add_layer(struct build *build, int lower, struct failure *failure);
bool folders_mount(struct build *build, struct failure *failure);
/* Attaches a copy of a mount of the host; takes its descriptor over. */
bool folders_attach(struct build *build, const struct host_mount *mount, struct host_mount_copy *copy, struct failure *failure);

#endif
