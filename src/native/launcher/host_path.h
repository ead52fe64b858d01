/* Opening paths of the host that a request names, with no more rights than its sender has. */
#ifndef SOUK_HOST_PATH_H
#define SOUK_HOST_PATH_H

#include "failure.h"
#include "launcher.h"

/*
 * Opens a regular file or a folder (nothing else) O_PATH|O_CLOEXEC, if the peer may read it; for a limited peer this is asked with its file
 * system ids and no capability over files. Follows symlinks, but not those of /proc. -1 with `failure` of blame host and this stage. Clears the
 * caller's PDEATHSIG, as every change of ids does.
 */
int host_path_open(const char *path, const struct peer *peer, const char *stage, struct failure *failure);

/* Opens a folder O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC with the rights of the peer. */
int host_path_open_folder(const char *path, const struct peer *peer, const char *stage, struct failure *failure);

#endif
