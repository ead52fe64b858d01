/* Leaves behind processes of other sessions, in several states: deaf, without descriptors, stopped, without a parent. */
#include "attack.h"
#include <signal.h>
#include <sys/wait.h>

static void stay(int kind) {
  setsid();
  if (fork() != 0) _exit(0);
  for (int number = 1; number < NSIG; number++) signal(number, SIG_IGN);
  if (kind % 2) closefrom(0);
  if (kind == 4) raise(SIGSTOP);
  for (;;)
    if (kind < 2) pause();
}

int main(void) {
  only_in_a_sandbox();
  for (int kind = 0; kind < 6; kind++) {
    pid_t child = fork();
    if (child == 0) stay(kind);
    waitpid(child, NULL, 0);
  }
  puts("left");
  return 0;
}
