/* Tries to look into and to control other processes, and to be traced: init, its parent and its own child. */
#include "attack.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char target;

static void against(const char *who, pid_t pid) {
  char what[64], byte;
  struct iovec here = {&byte, 1}, there = {&target, 1};
  snprintf(what, sizeof what, "attach %s", who);
  report(what, ptrace(PTRACE_ATTACH, pid, NULL, NULL));
  snprintf(what, sizeof what, "seize %s", who);
  report(what, ptrace(PTRACE_SEIZE, pid, NULL, NULL));
  snprintf(what, sizeof what, "read %s", who);
  report(what, process_vm_readv(pid, &here, 1, &there, 1, 0));
  snprintf(what, sizeof what, "write %s", who);
  report(what, process_vm_writev(pid, &here, 1, &there, 1, 0));
  snprintf(what, sizeof what, "compare %s", who);
  report(what, syscall(SYS_kcmp, getpid(), pid, 0, 0, 0));
}

int main(void) {
  only_in_a_sandbox();
  pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  against("init", 1);
  against("child", child);
  report("be traced", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
  kill(child, SIGKILL);
  return 0;
}
