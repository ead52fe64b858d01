/* Whether bytes that come from outside can stand in a message or a file name. Pure. */
#ifndef SOUK_TEXT_H
#define SOUK_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether it is UTF-8 (no overlong forms, surrogates, or above U+10FFFF) without control characters (U+0000–1F, U+007F–9F). */
bool text_is_printable(const char *text, size_t length);

/* Replaces, in place, what makes `text` not printable by '?'; also a character that was cut at its end. */
void text_make_printable(char *text);

#endif
