/* What a path in a request may look like. Pure. */
#ifndef SOUK_REQUEST_PATH_H
#define SOUK_REQUEST_PATH_H

#include <stdbool.h>

/* Absolute; every component of 1 to 255 bytes, none '.' or '..'; no slash at the end, but '/' itself is normal too. */
bool request_path_is_normal(const char *path);

/* Whether a normal path is the root, or at or below what the launcher mounts itself: /proc, /dev. */
bool request_path_is_reserved(const char *path);

#endif
