/*
 * Process 1 of a sandbox. It prepares what it can, is told what to build, takes its one command over its channel (a one-shot task is one command),
 * forks the task, reaps, and tells the keeper how the task ended. When it exits or is killed the kernel kills everything in its pid namespace.
 */
#ifndef SOUK_INIT_H
#define SOUK_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "cgroup.h"
#include "failure.h"
#include "frame.h"
#include "host_mounts.h"
#include "launcher.h"
#include "request.h"

enum {
	INIT_CHANNELS_MAX = REQUEST_CHANNELS_MAX + 3,
	INIT_FDS_MAX = 1 + INIT_CHANNELS_MAX + CGROUP_HIERARCHIES_MAX,
};

/*
 * Keeper → init, SEQPACKET messages, in this order:
 *     INIT_BEGIN   without root only: init has its ids
 *     INIT_BUILD   what is to be built is in struct init_request
 *     INIT_MOUNT   with root only: the next of host_mounts_list(), its mount as a descriptor, or none
 *     INIT_RUN     as descriptors the task's setup socket, its ends of `channels` (0, 1, 2, then request->channels in order), then its `entrances` to
 *                  control groups
 */
enum init_order { INIT_BEGIN, INIT_BUILD, INIT_MOUNT, INIT_RUN };

struct init_command {
	enum init_order order;
	size_t channels;
	size_t entrances;
	bool entrance_is_folder; /* as in struct cgroup_entrance */
	char link[HOST_LINK_BYTES]; /* INIT_MOUNT: as in struct host_mount_copy */
};

/* In memory that keeper and init share, as a request may be larger than a message. Written before INIT_BUILD, and never again. */
struct init_request {
	size_t length;
	uint8_t payload[FRAME_BYTES_MAX];
};

enum init_message_kind {
	INIT_READY,  /* the root is built; `sealed_inodes`, with the disk's fd */
	INIT_FAILED, /* `failure`; the message was written by this very program before anything foreign ran in the sandbox */
	INIT_ENDED,  /* the task's main process: `status` as of wait(2); whether nothing but init is left (`alone`), and the `usage` of all it has waited for */
};

/* Init → keeper. */
struct init_message {
	enum init_message_kind kind;
	int status;
	bool alone;
	struct rusage usage;
	uint64_t sealed_inodes;
	struct failure failure;
};

/*
 * An end of what is between init and the task. Init writes a byte when the old root is off; with root and user namespaces the task answers when it
 * has made its own, and init writes another when the ids in it are mapped. Pipes: a socket would be one that the task sees in its network.
 */
struct gate {
	int in;
	int out;
};

/* What init and the task are told by being forked, but for the request, which init is given later. */
struct sandbox_plan {
	const struct launcher *launcher;
	int control; /* init's end */
	const struct init_request *given;
	const struct request *request; /* from INIT_BUILD on */
	struct gate gate; /* the task's end */
};

_Noreturn void init_main(struct sandbox_plan *plan);

#endif
