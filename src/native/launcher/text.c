#include "text.h"

#include <stdint.h>
#include <string.h>

/* The length of the printable UTF-8 character at `text`, or 0 when there is none (Unicode 15, table 3-7). */
static size_t character_bytes(const uint8_t *text, size_t length)
{
	uint8_t first = text[0], low = 0x80, high = 0xBF;
	size_t bytes;

	if (first < 0x80)
		return first >= 0x20 && first != 0x7F;
	if (first >= 0xC2 && first <= 0xDF) {
		bytes = 2;
		if (first == 0xC2)
			low = 0xA0; /* below: the C1 controls */
	} else if (first >= 0xE0 && first <= 0xEF) {
		bytes = 3;
		if (first == 0xE0)
			low = 0xA0;
		else if (first == 0xED)
			high = 0x9F;
	} else if (first >= 0xF0 && first <= 0xF4) {
		bytes = 4;
		if (first == 0xF0)
			low = 0x90;
		else if (first == 0xF4)
			high = 0x8F;
	} else {
		return 0;
	}
	if (length < bytes || text[1] < low || text[1] > high)
		return 0;
	for (size_t i = 2; i < bytes; i++)
		if (text[i] < 0x80 || text[i] > 0xBF)
			return 0;
	return bytes;
}

bool text_is_printable(const char *text, size_t length)
{
	for (size_t at = 0; at < length;) {
		size_t bytes = character_bytes((const uint8_t *)text + at, length - at);
		if (bytes == 0)
			return false;
		at += bytes;
	}
	return true;
}

void text_make_printable(char *text)
{
	size_t length = strlen(text);

	for (size_t at = 0; at < length;) {
		size_t bytes = character_bytes((const uint8_t *)text + at, length - at);
		if (bytes == 0) {
			text[at] = '?';
			bytes = 1;
		}
		at += bytes;
	}
}
