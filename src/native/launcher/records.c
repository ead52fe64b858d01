#include <string.h>

#include "bytes.h"
#include "frame.h"

void records_begin(struct records *records)
{
	records->length = 0;
	records->overflow = false;
}

static void add_record(struct records *records, uint16_t tag, const void *value, size_t length)
{
	uint8_t *at = records->bytes + records->length;

	if (length > sizeof records->bytes || records->length + 6 + length > sizeof records->bytes) {
		records->overflow = true;
		return;
	}
	put_le(at, tag, 2);
	put_le(at + 2, length, 4);
	memcpy(at + 6, value, length);
	records->length += 6 + length;
}

void records_number(struct records *records, uint16_t tag, uint64_t value)
{
	uint8_t bytes[8];

	put_le(bytes, value, sizeof bytes);
	add_record(records, tag, bytes, sizeof bytes);
}

void records_text(struct records *records, uint16_t tag, const char *text)
{
	add_record(records, tag, text, strlen(text));
}
