/* Users, groups, capabilities and the user namespace of a sandbox; see credentials(7), capabilities(7), user_namespaces(7). */
#ifndef SOUK_IDS_H
#define SOUK_IDS_H

#include <stdbool.h>
#include <sys/types.h>

#include "failure.h"

/* Whether this process may make a user namespace, tried in a child. */
bool ids_can_make_user_namespace(void);

/*
 * Makes a user namespace around the calling process of root, as `uid`, in which no id exists until
 * ids_write_maps(). From here on whoever is `uid` on the host has every capability over this process: it is not dumpable, and must not be until it has
 * become `uid` and given up what it has of the launcher (user_namespaces(7), ptrace(2)). The kernel counts queued signals, timers and message queues of a user
 * towards the owner of his namespace too: as root's, one task could leave root with none on the whole host, and as another's
 * with a bound, other tasks. False with errno.
 */
bool ids_make_user_namespace(uid_t uid, gid_t gid);

/*
 * Lets the process `pid`, which has made a user namespace, be `uid` and `gid` in it: each stands for itself and no other id exists. Called by
 * whoever is above that namespace. `proc` is a /proc that can be written to. False with errno.
 */
bool ids_write_maps(int proc, pid_t pid, uid_t uid, gid_t gid);

/* Gives up every capability, in the bounding set too, and sets no_new_privs. */
bool ids_drop_capabilities(struct failure *failure);

/* Becomes `uid` and `gid` for good: also no capability, nothing that an exec could give back. */
bool ids_become(uid_t uid, gid_t gid, struct failure *failure);

#endif
