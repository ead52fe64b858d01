/*
 * Control groups: one fresh group per run and hierarchy, /souk-<instance>/<pid of the keeper>, with the limits of the run, its usage and the
 * news of an out-of-memory kill. One interface over cgroup v1 (cgroup1.c) and v2 (cgroup2.c); see cgroups(7) and the kernel's
 * admin-guide/cgroup-v1 and cgroup-v2.
 */
#ifndef SOUK_CGROUP_H
#define SOUK_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "failure.h"
#include "request.h"

enum cgroup_controller {
	CGROUP_MEMORY = 1,
	CGROUP_PIDS = 2,
	CGROUP_CPU = 4,
	CGROUP_CPUACCT = 8,
};

enum {
	CGROUP_CONTROLLERS = 4,
	CGROUP_HIERARCHIES_MAX = 4, /* v1: one per controller at most; v2: one */
	CGROUP_NAME_BYTES = 48,
	CGROUP_PROBLEM_BYTES = 256,
};

extern const char *const cgroup_controller_names[CGROUP_CONTROLLERS]; /* [0] is that of bit 1, and so on */

struct cgroup;

struct cgroup_usage {
	uint64_t cpu_us, user_us, system_us; /* user + system = cpu */
	uint64_t memory_peak_bytes;
	uint64_t oom_kills;
	uint64_t pids_denied;
	uint64_t pids_peak; /* most processes and threads at once; 0 where the kernel keeps no count (before 6.11) */
};

/* What differs between v1 and v2. All may assume that the controllers they need are there. */
struct cgroup_kind {
	const char *name; /* 'v1' 'v2' */
	bool (*set_limits)(struct cgroup *cgroup, const struct request_limits *limits, struct failure *failure);
	/* Opens what the task needs to get in, and what CPU time is read from. */
	bool (*open_entrance)(struct cgroup *cgroup, struct failure *failure);
	/* Sets cgroup->oom_fd and oom_events. */
	bool (*watch_oom)(struct cgroup *cgroup, struct failure *failure);
	uint64_t (*cpu_us)(const struct cgroup *cgroup);
	uint64_t (*oom_kills)(const struct cgroup *cgroup);
	void (*usage)(const struct cgroup *cgroup, struct cgroup_usage *usage);
	/* Kills what is in the group whose folder is `folder`. */
	void (*kill)(int folder);
};

struct cgroup_hierarchy {
	int folder;           /* of /souk-<instance> */
	int parent;           /* the folder it lies in */
	unsigned controllers; /* enum cgroup_controller, or-ed */
};

/* What this host has; made once by the launcher. */
struct cgroup_host {
	const struct cgroup_kind *kind; /* NULL: no control groups */
	char name[CGROUP_NAME_BYTES];   /* souk-<instance> */
	struct cgroup_hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	size_t count;
	unsigned controllers;                /* of all hierarchies */
	char problem[CGROUP_PROBLEM_BYTES];  /* a sentence where a controller is missing, else empty */
};

struct cgroup_part {
	int folder;           /* of this run's group, -1 when there is none */
	int entrance;         /* v1: `tasks`, open for writing; v2: -1 */
	unsigned controllers;
};

/* The group of one run. */
struct cgroup {
	const struct cgroup_host *host;
	char name[16]; /* decimal pid of the keeper */
	struct cgroup_part parts[CGROUP_HIERARCHIES_MAX];
	size_t count;
	int cpu_fd;        /* cpuacct.usage or cpu.stat, kept open; -1 without */
	int oom_fd;        /* to poll for oom_events; -1 when memory is not limited */
	short oom_events;
};

/* Finds the hierarchies and makes /souk-<instance> in each. What is missing is told by `controllers` and `problem`, never an error. */
void cgroup_host_open(struct cgroup_host *host, const char *instance);
/* Kills and removes every run's group below /souk-<instance>; `only` names one of them, or is NULL for all. False when something stays. */
bool cgroup_host_clear(const struct cgroup_host *host, const char *only);
/* Clears and removes /souk-<instance> itself. */
void cgroup_host_remove(struct cgroup_host *host);

/* Before cgroup_make(), and after cgroup_remove(). */
#define CGROUP_NONE { .cpu_fd = -1, .oom_fd = -1 }

/*
 * Makes the group of a run, without limits. On a host without control groups it succeeds with an empty group. False with `failure`, stage
 * 'cgroup', blame host; nothing is left then.
 */
bool cgroup_make(struct cgroup *cgroup, const struct cgroup_host *host, struct failure *failure);
/* Sets every limit asked for, before a task is in the group. A limit that cannot be set fails, stage 'cgroup', blame host. */
bool cgroup_limit(struct cgroup *cgroup, const struct request_limits *limits, struct failure *failure);
/*
 * What a task needs to get in; the descriptors stay the group's. v1: `tasks` files, into each of which a single-threaded process writes `0`. v2:
 * `is_folder`, one folder for CLONE_INTO_CGROUP. None without control groups.
 */
struct cgroup_entrance {
	int fds[CGROUP_HIERARCHIES_MAX];
	size_t count;
	bool is_folder;
};
void cgroup_entrance(const struct cgroup *cgroup, struct cgroup_entrance *entrance);
/* Whether CPU time can be read. */
bool cgroup_counts_cpu(const struct cgroup *cgroup);
uint64_t cgroup_cpu_us(const struct cgroup *cgroup);
/* Final numbers, while the group still exists. Zeros where there is no controller. */
void cgroup_usage(const struct cgroup *cgroup, struct cgroup_usage *usage);
/* Removes the group when everything in it is dead or dying. False when it stays (EBUSY for about 2 s). */
bool cgroup_remove(struct cgroup *cgroup);

/* Used by cgroup.c, cgroup_host.c, cgroup1.c and cgroup2.c alone. */
int cgroup_folder(const struct cgroup *cgroup, enum cgroup_controller controller); /* -1 without */
bool cgroup_write(int folder, const char *file, const char *text);                 /* false with errno */
bool cgroup_write_number(int folder, const char *file, uint64_t number);
/* Reads a file of at most `size` - 1 bytes from its start; `file` NULL: `folder` is the open file itself. */
bool cgroup_read(int folder, const char *file, char *text, size_t size);
uint64_t cgroup_read_number(int folder, const char *file);               /* 0 when it cannot be read */
uint64_t cgroup_find_number(const char *text, const char *key);          /* of a line 'key number'; 0 without */
void cgroup_kill_listed(int folder);                                     /* SIGKILL to everything in cgroup.procs */

/* rmdir(2), tried again while it says EBUSY, for about `budget_ms`. True when the group is gone. */
bool cgroup_remove_group(int parent, const char *name, int budget_ms);
/* Kills what is in the group and removes it. */
bool cgroup_clear_group(const struct cgroup_host *host, int parent, const char *name);

extern const struct cgroup_kind cgroup1_kind, cgroup2_kind;

/* How a host's hierarchies are found: each fills `host` as far as it can (folder and parent are opened by cgroup_host_open()). */
struct cgroup_mount {
	char point[512];
	unsigned controllers;
	bool unified;
};
/*
 * v2: opens hierarchies[0].parent, the folder that this process may make groups in, and switches on for its children what controllers there are; they are left in
 * host->controllers. False with host->problem. cgroup2_delegate() does the same for the children of /souk-<instance>.
 */
bool cgroup2_prepare(struct cgroup_host *host, const char *mount_point);
void cgroup2_delegate(struct cgroup_host *host);
/* Undoes what cgroup2_prepare() did to the parent, once /souk-<instance> is gone: what it had to move one group down comes back. */
void cgroup2_leave(const struct cgroup_host *host);

#endif
