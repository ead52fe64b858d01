/*
 * A second wall around a task's files, see landlock(7): the kernel holds it by path and by process, whatever the mounts say. It stays with all
 * that the task starts, and nothing takes it off.
 */
#ifndef SOUK_LANDLOCK_H
#define SOUK_LANDLOCK_H

#include <stdbool.h>

#include "failure.h"
#include "request.h"

/* The first ABI that lets a confined program move a file from one folder to another; without that no task is worth confining. */
enum { LANDLOCK_ABI_LEAST = 2 };

/* The kernel's ABI; 0 where it has no Landlock, or where that is not switched on. */
int landlock_abi(void);

/*
 * For the task, in its root, with no_new_privs set. From here on: everything is read and executed, nothing is written but the disk's folders and the
 * devices, no device is made or controlled, no TCP, and no signal or abstract socket reaches a process outside of the sandbox.
 * False with `failure` of blame host and stage 'landlock'.
 */
bool landlock_confine(int abi, const struct request *request, struct failure *failure);

#endif
