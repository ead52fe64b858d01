/*
 * What the system call filter denies, counted: the kernel stops a thread that makes a denied call and tells the keeper, who answers with the error and
 * nothing else; see seccomp_unotify(2).
 *
 * No argument is looked at, and no call is ever let through or made on the task's behalf: what the task does meanwhile is of no interest. A call that nobody
 * answers, because the keeper is dead, fails with ENOSYS; so does everything else of the sandbox, which dies with it. A flood costs the keeper a bounded
 * share of a CPU: after NOTIFY_BURST answers those that call wait for their turn, asleep.
 */
#ifndef SOUK_NOTIFY_H
#define SOUK_NOTIFY_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "frame.h"

enum {
	NOTIFY_NUMBERS = 512,   /* calls with these numbers are counted each for itself; the filter denies no higher ones */
	NOTIFY_NAMED = 8,       /* that many of them are reported */
	NOTIFY_BURST = 256,
	NOTIFY_PAUSE_MS = 10,
	NOTIFY_PER_PAUSE = 10,  /* about 1,000 answers a second */
};

struct notify {
	int fd;              /* the listener, owned; -1 without one */
	bool counts;         /* there has been one */
	unsigned left;       /* answers until the next pause */
	uint64_t resume_ns;  /* the end of the pause; 0 outside of one */
	uint64_t total;
	uint64_t by_number[NOTIFY_NUMBERS];
};

/* Takes over a listener from seccomp_install(), or -1. */
void notify_open(struct notify *notify, int fd);
void notify_close(struct notify *notify);

/* What to poll for, and for how long at most: -1 for ever. */
struct pollfd notify_watch(struct notify *notify);
int notify_timeout_ms(const struct notify *notify);
/* Answers one call, when the listener is readable. Never blocks. */
void notify_serve(struct notify *notify, short revents);

/* How often, and which calls most; nothing where there was no listener. */
void notify_report(const struct notify *notify, struct records *records);

#endif
