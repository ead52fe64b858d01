/* Stops every process that it can reach, itself among them. */
#include "attack.h"
#include <signal.h>

int main(void) {
  only_in_a_sandbox();
  puts("started");
  for (int i = 0; i < 4; i++)
    if (fork() == 0)
      for (;;) pause();
  kill(1, SIGSTOP);
  kill(getppid(), SIGSTOP);
  kill(-1, SIGSTOP);
  for (;;) kill(0, SIGSTOP);
}
