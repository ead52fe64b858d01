#include "ring.h"

#include <string.h>

void ring_touch(struct ring *ring)
{
	memset(ring->bytes, 1, sizeof ring->bytes);
}

unsigned char *ring_room(struct ring *ring, size_t *bytes)
{
	size_t at = (size_t)(ring->end % RING_BYTES);
	size_t held = (size_t)(ring->end - ring->base);
	size_t to_edge = RING_BYTES - at;

	*bytes = RING_BYTES - held < to_edge ? RING_BYTES - held : to_edge;
	return ring->bytes + at;
}

void ring_filled(struct ring *ring, size_t bytes)
{
	ring->end += bytes;
}

const unsigned char *ring_piece(const struct ring *ring, uint64_t from, size_t *bytes)
{
	size_t at = (size_t)(from % RING_BYTES);
	size_t to_edge = RING_BYTES - at;
	size_t left = (size_t)(ring->end - from);

	*bytes = left < to_edge ? left : to_edge;
	return ring->bytes + at;
}

bool ring_forget(struct ring *ring, uint64_t from)
{
	if (from < ring->base || from > ring->end)
		return false;
	ring->base = from;
	return true;
}
