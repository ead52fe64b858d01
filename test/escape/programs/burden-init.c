/* Tries to have the first process of its sandbox ended by a limit, or kept from the CPU: directly, as one of a group, as one of a user. */
#include "attack.h"
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

int main(void) {
  only_in_a_sandbox();
  struct rlimit second = {1, 1};
  struct {
    unsigned size, policy;
    unsigned long long flags;
    int nice;
    unsigned priority;
    unsigned long long runtime, deadline, period;
  } idle = {.size = sizeof idle, .policy = SCHED_IDLE};
  /* The kernel looks at the low half of an id only. */
  const long init = 1, high = 1L << 32 | 1;
  report("limit", prlimit(1, RLIMIT_CPU, &second, NULL));
  report("limit, high bits", syscall(SYS_prlimit64, high, RLIMIT_CPU, &second, NULL));
  report("policy", sched_setscheduler(1, SCHED_IDLE, &(struct sched_param){0}));
  report("policy, high bits", syscall(SYS_sched_setscheduler, high, SCHED_IDLE, &(struct sched_param){0}));
  report("parameters", sched_setparam(1, &(struct sched_param){0}));
  report("attributes", syscall(SYS_sched_setattr, init, &idle, 0));
  report("nice", setpriority(PRIO_PROCESS, 1, 19));
  report("nice, by group", setpriority(PRIO_PGRP, 1, 19));
  report("nice, by user", setpriority(PRIO_USER, 0, 19));
  return 0;
}
