/*
 * The connection to the node: frames of a kind (1 byte), a length (4 bytes, little-endian) and a body.
 */
#ifndef CHANNEL_H
#define CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FRAME_HEADER_BYTES = 5,
	/* Of a frame while the task runs. */
	FRAME_BODY_MAX = 32 * 1024,
	/* Of the one that says what to run. */
	GO_BYTES_MAX = 2 * 1024 * 1024,
};

struct channel {
	/* -1 where there is no connection. */
	int fd;
	size_t in_bytes;
	/* What of `out` is still to be sent. */
	size_t out_from;
	size_t out_bytes;
	unsigned char in[FRAME_HEADER_BYTES + FRAME_BODY_MAX];
	unsigned char out[FRAME_HEADER_BYTES + FRAME_BODY_MAX];
};

struct frame {
	unsigned char kind;
	const unsigned char *body;
	size_t bytes;
};

enum channel_result { CHANNEL_OK, CHANNEL_EMPTY, CHANNEL_LOST, CHANNEL_BROKEN };

/* Takes the kernel's memory for it now. */
void channel_touch(struct channel *channel);
/* Connects anew; false where nobody listens there. */
bool channel_connect(struct channel *channel, const char *path);
void channel_close(struct channel *channel);

/* Waits for a frame of any length; the body is to be freed. NULL where the connection ended, or it was longer than that. */
unsigned char *channel_wait(struct channel *channel, unsigned char *kind, size_t *bytes);
/* Reads what is there; it never waits. */
enum channel_result channel_receive(struct channel *channel);
/* The next whole frame; it is good until channel_taken. */
enum channel_result channel_next(const struct channel *channel, struct frame *frame);
void channel_taken(struct channel *channel, const struct frame *frame);

/* Whether all that was put was sent: only then can more be put. */
bool channel_idle(const struct channel *channel);
/* The place of a body that is put next, FRAME_BODY_MAX long. */
unsigned char *channel_body(struct channel *channel);
void channel_put(struct channel *channel, char kind, size_t bytes);
/* Sends what the kernel takes now. */
enum channel_result channel_flush(struct channel *channel);

void write_u32(unsigned char *to, uint32_t number);
void write_u64(unsigned char *to, uint64_t number);
uint32_t read_u32(const unsigned char *from);
uint64_t read_u64(const unsigned char *from);

#endif
