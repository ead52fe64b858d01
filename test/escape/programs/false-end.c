/* Gives its own parent more children, whose ends are not its own; then ends otherwise. */
#include "attack.h"
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

int main(void) {
  only_in_a_sandbox();
  for (int i = 0; i < 20; i++) {
    long sibling = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
    if (sibling == 0) _exit(77);
    if (sibling < 0) return 2;
  }
  usleep(200000);
  puts("still here");
  return 5;
}
