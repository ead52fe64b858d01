/*
 * Process 1 of a sandbox. It builds the root, takes its one command over its channel (a one-shot task is one command), forks the task, reaps, and
 * tells the keeper how the task ended. When it exits or is killed the kernel kills everything in its pid namespace.
 */
#ifndef SOUK_INIT_H
#define SOUK_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cgroup.h"
#include "failure.h"
#include "launcher.h"
#include "request.h"

enum {
	INIT_CHANNELS_MAX = REQUEST_CHANNELS_MAX + 3,
	INIT_FDS_MAX = 1 + INIT_CHANNELS_MAX + CGROUP_HIERARCHIES_MAX,
};

/*
 * Keeper → init, SEQPACKET messages. Rootless, INIT_BEGIN comes first: init has its ids. INIT_RUN brings as descriptors the task's setup
 * socket, its ends of `channels` (0, 1, 2, then request->channels in order), then its `entrances` to control groups.
 */
enum init_order { INIT_BEGIN, INIT_RUN };

struct init_command {
	enum init_order order;
	size_t channels;
	size_t entrances;
	bool entrance_is_folder; /* as in struct cgroup_entrance */
};

enum init_message_kind {
	INIT_READY,  /* the root is built; `sealed_inodes`, with the disk's fd */
	INIT_FAILED, /* `failure`; the message was written by this very program before anything foreign ran in the sandbox */
	INIT_ENDED,  /* the task's main process: `status` as of wait(2) */
};

/* Init → keeper. */
struct init_message {
	enum init_message_kind kind;
	int status;
	uint64_t sealed_inodes;
	struct failure failure;
};

/* What init and the task are told by being forked. */
struct sandbox_plan {
	const struct launcher *launcher;
	const struct peer *peer;
	const struct request *request;
	int control; /* init's end */
};

_Noreturn void init_main(const struct sandbox_plan *plan);

#endif
