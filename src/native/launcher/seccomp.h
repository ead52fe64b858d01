/*
 * The default-deny system call filter, from src/executors/seccomp.json through the generated seccomp-rules.h.
 */
#ifndef SOUK_SECCOMP_H
#define SOUK_SECCOMP_H

#include <stdbool.h>

/* Builds the BPF program. Once, when the launcher starts: what is forked later inherits it. False with errno ENOSPC when the rules are too many. */
bool seccomp_prepare(void);

/* Whether the kernel has seccomp filters (for HELLO). */
bool seccomp_available(void);

/*
 * Installs the filter on the calling thread, for good. no_new_privs must be set (or CAP_SYS_ADMIN held). Async-signal-safe; after it only
 * listed calls work: execve, close_range, fcntl, dup3, write, exit_group are among them. False with errno set.
 */
bool seccomp_install(void);

#endif
