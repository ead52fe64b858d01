/*
 * What of the host a run is shown: its root file system or the host's own /usr, and its binds, each copied as a mount that is detached, with its
 * attributes set. A mount can be copied only from the namespace that it is in: with root by the keeper, which is in the host's, for init, which
 * has left it; without root by init itself, which alone has the right to.
 */
#ifndef SOUK_HOST_MOUNTS_H
#define SOUK_HOST_MOUNTS_H

#include <stdbool.h>
#include <stddef.h>

#include "failure.h"
#include "launcher.h"
#include "request.h"

enum {
	HOST_MOUNTS_USR = 7, /* /usr, the folders or links beside it, and the loader's cache */
	HOST_MOUNTS_MAX = 1 + HOST_MOUNTS_USR + REQUEST_BINDS_MAX,
	HOST_LINK_BYTES = 256,
};

enum host_mount_kind {
	HOST_ROOT, /* ROOT_FOLDER: the lower layer of an overlay */
	HOST_USR,  /* a folder of ROOT_USR, or a link that a merged /usr has in its place */
	HOST_FILE, /* a file beside them */
	HOST_BIND,
};

struct host_mount {
	enum host_mount_kind kind;
	const char *host;   /* path on the host */
	const char *inside; /* path in the sandbox; NULL for HOST_ROOT */
	bool executable;
	bool alone;         /* HOST_BIND: without what is mounted below it, or not at all */
	const struct request *owner; /* HOST_ROOT: what belongs to the owner of the folder is to belong to this run's task; or NULL */
};

/* Those of a request, in the order in which they are mounted. The same for keeper and init. Returns how many. */
size_t host_mounts_list(const struct request *request, struct host_mount list[HOST_MOUNTS_MAX]);

/* One of them, opened. */
struct host_mount_copy {
	int fd;                     /* of the detached mount; -1 for a link and for what this host lacks */
	char link[HOST_LINK_BYTES]; /* HOST_USR: where the link leads, else empty */
};

/*
 * Opens and copies one, with the rights of the peer where it names the path. `with_below`: with the mounts below it, which a user namespace locks.
 * False with `failure`, stage 'root', 'bind' or 'mounts';
 * 'writable-root' where this host cannot give what is in it to the task.
 */
bool host_mount_copy(const struct host_mount *mount, const struct peer *peer, bool with_below, struct host_mount_copy *copy,
	struct failure *failure);

#endif
