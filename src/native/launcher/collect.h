/*
 * Hands the files of the output folders over to the client, following nothing. Call it only when every process that
 * can write to the disk is dead (a run), or at a COLLECT (a storage lease: the container is dead).
 */
#ifndef SOUK_COLLECT_H
#define SOUK_COLLECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"

enum {
	COLLECT_ENTRIES_MAX = 65536,  /* names looked at, over all folders together; one TOO_MANY then, and no more */
	COLLECT_PATH_MAX = 4096,      /* bytes of a path as it is reported */
	COLLECT_STALL_MS = 60000,     /* a client that takes nothing for so long is given up */
};

struct collect_folder {
	const char *name;  /* of the folder below disk_fd, e.g. "o0"; one component, no symlink */
	const char *path;  /* under which its files are reported, e.g. "/out" */
};

struct collect {
	int disk_fd;                            /* the root of the disk */
	const struct collect_folder *folders;
	size_t folder_count;
	uint64_t max_bytes;                     /* apparent sizes of all files together (DISK_BYTES of the request) */
};

/*
 * Sends FILE with its FILE_DATA, or FILE_REFUSED, for every entry that is not a folder: folders in the order given,
 * entries in byte order of their path. Waits for the client as far as needed (connection_drain()), and flushes at the end. A
 * file that changes while it is read is padded with zero bytes or cut to the size that was announced.
 * Returns false when the client is gone.
 */
bool collect_outputs(struct connection *connection, const struct collect *collect);

#endif
