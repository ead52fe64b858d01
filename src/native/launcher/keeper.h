/* The process that waits for a connection and serves it. */
#ifndef SOUK_KEEPER_H
#define SOUK_KEEPER_H

#include "launcher.h"

enum keeper_exit {
	KEEPER_DONE = 0,
	KEEPER_LEFT_CGROUP = 1, /* the launcher clears it away, as after a keeper that was killed */
};

/*
 * Prepares a slot, accepts a connection and serves it to its end. To be called in a process of its own, single-threaded, that does nothing else and
 * exits with the result.
 */
enum keeper_exit keeper_serve(const struct launcher *launcher);

#endif
