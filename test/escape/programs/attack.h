/* What every attack begins with, and how it says what came of it. */
#ifndef ATTACK_H
#define ATTACK_H
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NOT_IN_A_SANDBOX = 99, FIRST_PIDS = 32 };

/* In a process id namespace of one's own the ids are small. Anywhere else nothing may be tried. */
static inline void only_in_a_sandbox(void) {
  if (getpid() > FIRST_PIDS) _exit(NOT_IN_A_SANDBOX);
  setvbuf(stdout, NULL, _IOLBF, 0);
}

/* One line: what was tried, then DONE or the error's name. */
static inline void report(const char *what, long result) {
  printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "DONE");
}

#endif
