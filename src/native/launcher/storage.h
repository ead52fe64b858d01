/*
 * Storage leases: the same capped tmpfs as a run's, mounted in the host's mount namespace for a container engine, and
 * unmounted when its connection closes; one with OUTLIVES when it is released. Called in the keeper, which must still be in the host's mount namespace.
 */
#ifndef SOUK_STORAGE_H
#define SOUK_STORAGE_H

#include <stdbool.h>
#include <sys/types.h>

#include "frame.h"
#include "request.h"

struct storage {
	const char *instance;  /* the launcher's --instance: the tmpfs is named souk-disk-<instance>, or souk-kept-<instance> with OUTLIVES */
	uid_t peer_uid;        /* SO_PEERCRED of the client: the owner that MOUNTPOINT must have */
	int mountpoint_fd;     /* MOUNTPOINT opened O_PATH|O_DIRECTORY|O_NOFOLLOW|O_CLOEXEC with the rights of the peer; stays the caller's */
	int alive;             /* readable (EOF) once the launcher is gone */
};

/*
 * Serves a REQUEST_STORAGE from its mount, or a REQUEST_ADOPT from a disk that is mounted, to its end: STARTED 0 (or FAILED), then COLLECT
 * and RESIZE as often as asked, until the client sends RELEASE, closes, breaks the protocol, or the launcher is gone; then unmounts. A disk that
 * outlives its node is unmounted by RELEASE only, or where nobody heard that it is there. Clears the process's PDEATHSIG: `alive` ends it in
 * order, so that the death of the launcher unmounts too. The caller closes the connection and exits.
 */
void storage_serve(struct connection *connection, const struct request *request, const struct storage *storage);

/*
 * Serves a REQUEST_UNMOUNT: DONE when nothing (any more) is mounted at the folder, FAILED when what is mounted there is no disk of this
 * instance. Sends and drains; the caller closes the connection and exits.
 */
void storage_unmount(struct connection *connection, const struct storage *storage);

/*
 * At the start of the launcher: unmounts every disk that an earlier launcher of this instance left in this mount namespace. One that outlives
 * its node stays: whether somebody will adopt it the node alone can tell, which asks for REQUEST_UNMOUNT where not.
 */
void storage_remove_left(const char *instance);

#endif
