/* Little-endian numbers of 1 to 8 bytes, as they are in frames. */
#ifndef SOUK_BYTES_H
#define SOUK_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t get_le(const uint8_t *bytes, size_t width)
{
	uint64_t value = 0;

	for (size_t i = width; i-- > 0;)
		value = value << 8 | bytes[i];
	return value;
}

static inline void put_le(uint8_t *bytes, uint64_t value, size_t width)
{
	for (size_t i = 0; i < width; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

#endif
