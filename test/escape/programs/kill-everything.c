/* Sends what cannot be caught to everything it can name, and lives on. */
#include "attack.h"
#include <signal.h>

int main(void) {
  only_in_a_sandbox();
  kill(1, SIGKILL);
  kill(1, SIGSTOP);
  kill(getppid(), SIGKILL);
  kill(-1, SIGKILL);
  for (int pid = 1; pid < 70000; pid++)
    if (pid != getpid()) kill(pid, SIGKILL);
  puts("alive");
  return 7;
}
