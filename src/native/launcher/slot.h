/*
 * What of a sandbox is the same for every run, made before its request is there: namespaces with an init in them that has built what it can, and a
 * control group of its own without limits. It is used once.
 */
#ifndef SOUK_SLOT_H
#define SOUK_SLOT_H

#include <stdbool.h>

#include "cgroup.h"
#include "failure.h"
#include "launcher.h"
#include "sandbox.h"

struct slot {
	struct sandbox sandbox;
	struct cgroup cgroup;
};

/* A slot that has nothing yet. */
#define SLOT_EMPTY { .sandbox = SANDBOX_NONE, .cgroup = CGROUP_NONE }

/* False with `failure`; the slot is empty then. */
bool slot_prepare(struct slot *slot, const struct launcher *launcher, struct failure *failure);
bool slot_is_prepared(const struct slot *slot);
/* Kills, reaps and removes what is there; the slot is empty then. False when a control group could not be removed. */
bool slot_discard(struct slot *slot);

#endif
