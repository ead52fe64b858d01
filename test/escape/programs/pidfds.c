/* Takes hold of other processes by descriptors: to signal them, to take theirs over, to enter their namespaces. */
#include "attack.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

int main(void) {
  only_in_a_sandbox();
  int init = syscall(SYS_pidfd_open, 1, 0), others = 0;
  for (int pid = 2; pid < 70000; pid++) {
    int other = pid == getpid() ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    if (other < 0) continue;
    others++;
    close(other);
  }
  if (others) printf("SEES %d OTHERS\n", others);
  for (int descriptor = 0; descriptor < 8; descriptor++) {
    char what[32];
    snprintf(what, sizeof what, "descriptor %d of init", descriptor);
    report(what, syscall(SYS_pidfd_getfd, init, descriptor, 0));
  }
  report("namespaces of init", setns(init, CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER));
  report("network of init", setns(init, CLONE_NEWNET));
  report("advice to init", syscall(SYS_process_madvise, init, NULL, 0, 0, 0));
  report("memory of init", syscall(SYS_process_mrelease, init, 0));
  report("wait for init", waitid(P_PIDFD, init, &(siginfo_t){0}, WEXITED | WNOHANG));
  syscall(SYS_pidfd_send_signal, init, SIGKILL, NULL, 0);
  syscall(SYS_pidfd_send_signal, init, SIGSTOP, NULL, 0);
  int alive = poll(&(struct pollfd){.fd = init, .events = POLLIN}, 1, 200) == 0;
  report("kill init", alive ? (errno = EPERM, -1) : 0);
  return 0;
}
