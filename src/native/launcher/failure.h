/* Why a run could not be started or went wrong on the launcher's side: what a FAILED frame says. */
#ifndef SOUK_FAILURE_H
#define SOUK_FAILURE_H

#include <stdbool.h>

enum blame {
	BLAME_HOST,    /* this machine, its kernel or the launcher */
	BLAME_REQUEST, /* what the request asked for */
};

struct failure {
	enum blame blame;
	const char *stage; /* 'request' 'cgroup' 'namespaces' …: a string literal */
	int error;         /* an errno, or 0 */
	char message[512]; /* one sentence, NUL-terminated, without control characters */
};

/*
 * Fills `failure`. With an `error` other than 0, ": " and its text are added to the message. Control characters and
 * bytes that are not UTF-8 (paths come from outside) are replaced by '?'. Leaves errno as it was. Always returns false, so that
 * a function can `return failure_set(…)`.
 */
__attribute__((format(printf, 5, 6)))
bool failure_set(struct failure *failure, enum blame blame, const char *stage, int error, const char *format, ...);

#endif
