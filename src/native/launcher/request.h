/*
 * What a client asks for. request_parse() is pure: it makes no system call, looks at nothing but its bytes and allocates one block that is as
 * large as the payload; so it can be fuzzed (fuzz/).
 */
#ifndef SOUK_REQUEST_H
#define SOUK_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	REQUEST_ARGS_MAX = 4097,
	REQUEST_ENV_MAX = 1100,
	REQUEST_BINDS_MAX = 1200,
	REQUEST_OUTPUTS_MAX = 64,
	REQUEST_CHANNELS_MAX = 12,
	REQUEST_INSIDE_PATH_MAX = 1024, /* bytes, without the NUL */
	REQUEST_HOST_PATH_MAX = 4095,
	REQUEST_ERROR_BYTES = 256,
};

/* A limit that was not asked for. */
#define REQUEST_UNLIMITED UINT64_MAX

enum request_kind {
	REQUEST_RUN = 1,
	REQUEST_STORAGE = 2,
	REQUEST_HELLO = 3,
	REQUEST_UNMOUNT = 4,
	REQUEST_ADOPT = 5,
};

/* Paths: absolute and normalised: no empty, '.' or '..' component, no trailing slash; components of at most 255 bytes. */
struct request_bind {
	const char *host;   /* at most REQUEST_HOST_PATH_MAX bytes */
	const char *inside; /* not '/', not /proc, /dev or below them */
	bool executable;
	bool alone;         /* without what is mounted below it */
};

struct request_channel {
	uint8_t descriptor;  /* 3..15, each once */
	bool from_task;      /* direction 1 */
};

/*
 * Each REQUEST_UNLIMITED when absent, else at most 2^53 - 1. All but disk_bytes and inodes are above 0. Times are cut to 2^40 ms,
 * so that they fit into 63 bits as nanoseconds.
 */
struct request_limits {
	uint64_t memory_bytes;
	uint64_t pids;
	uint64_t cpu_millicores;
	uint64_t cpu_shares;
	uint64_t cpu_time_ms;
	uint64_t wall_time_ms;
	uint64_t idle_time_ms;
	uint64_t disk_bytes;   /* run and storage: always present */
	uint64_t inodes;       /* run and storage: always present */
	uint64_t open_files;
	uint64_t stack_bytes;
};

struct request {
	enum request_kind kind;
	const char *root_folder;                /* or NULL */
	bool root_usr;                          /* never together with root_folder */
	bool root_writable;                     /* only together with root_folder */
	const char *program;                    /* run: not empty, at most REQUEST_INSIDE_PATH_MAX bytes; may be relative */
	const char *workdir;                    /* run: never NULL; '/' when absent */
	uid_t uid;                              /* run and storage: always present, never (uid_t)-1 */
	gid_t gid;
	const char *mountpoint;                 /* storage, unmount and adopt */
	bool outlives;                          /* storage: the disk stays mounted until it is released */
	struct request_limits limits;
	char *strings;                          /* the block that all strings lie in */
	size_t arg_count;
	size_t env_count;
	size_t bind_count;
	size_t output_count;
	size_t channel_count;
	/* The lists are long, and what is beyond their count is not set, so that nobody pays for what is not used. */
	char *args[REQUEST_ARGS_MAX + 1];       /* run: at least one; NULL-terminated */
	char *env[REQUEST_ENV_MAX + 1];         /* KEY=VALUE with a key that is not empty; NULL-terminated */
	struct request_bind binds[REQUEST_BINDS_MAX]; /* in the order sent; no inside path twice */
	const char *outputs[REQUEST_OUTPUTS_MAX];     /* no path twice; not '/', not /proc, /dev or below them */
	struct request_channel channels[REQUEST_CHANNELS_MAX];
};

/*
 * Parses the payload of a REQUEST frame. On success everything in `request` is set and it has to be freed with request_free(). Else
 * `error` is a sentence for FAILED and there is nothing to free. Refused: unknown tags, a single tag sent twice, tags that its
 * KIND does not have, what the KIND needs and is absent, values of the wrong length or shape, too many of a repeated tag.
 */
bool request_parse(const uint8_t *payload, size_t length, struct request *request, char error[REQUEST_ERROR_BYTES]);
void request_free(struct request *request);

#endif
