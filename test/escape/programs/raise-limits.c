/* Tries to get rid of its limits, and to be served before others. */
#include "attack.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static void raise_limit(const char *name, int which) {
  struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  report(name, setrlimit(which, &unlimited));
}

static void write_to(const char *path, const char *text) {
  int file = open(path, O_WRONLY);
  report(path, file < 0 ? -1 : write(file, text, strlen(text)));
}

int main(void) {
  only_in_a_sandbox();
  raise_limit("core", RLIMIT_CORE);
  raise_limit("open files", RLIMIT_NOFILE);
  raise_limit("file size", RLIMIT_FSIZE);
  report("nice", setpriority(PRIO_PROCESS, 0, -20));
  report("real time", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}));
  report("real time I/O", syscall(SYS_ioprio_set, 1, 0, 1 << 13));
  write_to("/proc/self/oom_score_adj", "-1000");
  write_to("/proc/self/uid_map", "0 0 1");
  write_to("/proc/self/gid_map", "0 0 1");
  return 0;
}
