/* Bytes on their way, each known by how many came before it. */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RING_BYTES = 128 * 1024 };

/* Holds the bytes from `base` up to `end`; at most RING_BYTES of them. */
struct ring {
	uint64_t base;
	uint64_t end;
	unsigned char bytes[RING_BYTES];
};

/* The kernel gives memory for it now: later there may be none left for this process. */
void ring_touch(struct ring *ring);

/* What can be filled in one piece: the place, and how many bytes. */
unsigned char *ring_room(struct ring *ring, size_t *bytes);
void ring_filled(struct ring *ring, size_t bytes);

/* What is there from `from` on, in one piece. */
const unsigned char *ring_piece(const struct ring *ring, uint64_t from, size_t *bytes);

/* Forgets what comes before `from`; false where that was never there, or is gone. */
bool ring_forget(struct ring *ring, uint64_t from);

#endif
