/* Clocks of a sandbox's own, see time_namespaces(7). */
#ifndef SOUK_TIMENS_H
#define SOUK_TIMENS_H

#include <stdbool.h>

#include "failure.h"

/* Whether a time namespace can be made here, given the namespaces of a sandbox; tried in a child. */
bool timens_available(bool root);

/*
 * For init, while it still sees the host's /proc: what it forks from here on has monotonic and boot-time clocks that begin now, at 0, and says
 * nothing of how long the host has been up. Does nothing where `available` is false. False with `failure`: blame host, stage 'namespaces'.
 */
bool timens_begin(bool available, struct failure *failure);

#endif
