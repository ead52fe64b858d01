#include "failure.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

bool failure_set(struct failure *failure, enum blame blame, const char *stage, int error, const char *format, ...)
{
	int saved = errno;
	va_list arguments;

	failure->blame = blame;
	failure->stage = stage;
	failure->error = error;
	va_start(arguments, format);
	vsnprintf(failure->message, sizeof failure->message, format, arguments);
	va_end(arguments);
	if (error != 0) {
		size_t length = strlen(failure->message);
		snprintf(failure->message + length, sizeof failure->message - length, ": %s", strerror(error));
	}
	text_make_printable(failure->message);
	errno = saved;
	return false;
}
