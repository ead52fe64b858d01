/*
 * Paths inside the root that is being built. What lies in a root file system is hostile: a path is walked beneath the root, and a symlink
 * anywhere in it is an error, never followed.
 */
#ifndef SOUK_INSIDE_H
#define SOUK_INSIDE_H

#include <stdbool.h>
#include <sys/types.h>

#include "failure.h"

/* Opens `path` (absolute, normalised) O_PATH beneath `root`. -1 with errno: ENOENT, ELOOP for a symlink, ENOTDIR. */
int inside_open(int root, const char *path);

enum inside_type { INSIDE_FOLDER, INSIDE_FILE };

/*
 * Opens `path` as a place to mount something of this type on, and makes what is missing of it (folders 0755, a file 0444, of the caller). `made` (if not
 * NULL) tells whether the last component was made. -1 with `failure`: blame request, stage 'root' for what the root
 * file system holds there, else blame host.
 */
int inside_make(int root, const char *path, enum inside_type type, bool *made, struct failure *failure);

/* Whether `path` is `folder` or below it. */
bool inside_is_below(const char *path, const char *folder);

#endif
