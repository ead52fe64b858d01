/* What the launcher found out when it started, and who is at the other end of a connection; keepers inherit it. */
#ifndef SOUK_LAUNCHER_H
#define SOUK_LAUNCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "cgroup.h"

#define SOUK_LAUNCHER_VERSION "1"

struct launcher {
	const char *instance;
	uid_t uid;             /* its own */
	gid_t gid;
	bool root;             /* effective uid 0: namespaces are made first, the user namespace last */
	bool user_namespace;   /* a user namespace can be made */
	bool namespaces;       /* those of a sandbox can be made */
	bool seccomp;          /* the filter has been built and the kernel takes filters */
	bool time_namespace;   /* one can be made */
	int landlock;          /* ABI of the kernel's Landlock; 0 where there is none */
	struct cgroup_host cgroups;
	unsigned cpus;         /* that a task can run on at once */
	int listener;          /* non-blocking; whoever accepts a connection serves it */
	uid_t peer_uid;        /* beside its own user, whom it serves; its own uid for nobody */
	int taken;             /* write end of a pipe: a keeper that has accepted a connection writes its pid_t */
	int alive;             /* read end of a pipe that only the launcher writes to: EOF when it is gone */
	char *arguments;       /* where argv lies: init overwrites it, as /proc/1/cmdline would show the socket's path */
	size_t arguments_bytes;
};

/* SO_PEERCRED of a client. */
struct peer {
	uid_t uid;
	gid_t gid;
	bool limited; /* served by a launcher with more rights than its own: host paths are opened with its rights only */
};

#endif
