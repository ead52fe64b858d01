/*
 * The default-deny system call filter, from src/executors/seccomp.json through the generated seccomp-rules.h.
 */
#ifndef SOUK_SECCOMP_H
#define SOUK_SECCOMP_H

#include <stdbool.h>

/*
 * Builds the BPF program. Once, when the launcher starts: what is forked later inherits it. With flags of seccomp_listener_flags() a listener decides on what
 * is on no list (notify.h); with 0 the filter lets it fail. False with errno ENOSPC when the rules are too many.
 */
bool seccomp_prepare(unsigned listener_flags);

/* How a filter has to be installed that tells a listener of what it denies; tried in a child. 0: it cannot be, with this kernel or in this container. */
unsigned seccomp_listener_flags(void);

/* What a denied call fails with. */
int seccomp_denied_errno(void);

/* Whether the kernel has seccomp filters (for HELLO). */
bool seccomp_available(void);

/*
 * Installs the filter on the calling thread, for good. no_new_privs must be set (or CAP_SYS_ADMIN held). Async-signal-safe; after it only
 * listed calls work: execve, close_range, fcntl, dup3, write, sendmsg, setrlimit, exit_group are among them. `listener` becomes a descriptor that exec closes, or -1
 * where there is none: whoever holds it answers denied calls, which wait for that. False with errno set.
 */
bool seccomp_install(int *listener);

#endif
