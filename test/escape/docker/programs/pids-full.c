/* Ends while all processes that it may have are there, deaf, and make new ones as soon as there is room. */
#include "../../programs/attack.h"
#include <signal.h>

int main(void) {
  only_in_a_sandbox();
  puts("full");
  int full = 0;
  while (!full) {
    pid_t child = fork();
    if (child == 0) {
      for (int number = 1; number < NSIG; number++) signal(number, SIG_IGN);
      setsid();
      for (;;)
        if (fork() < 0) usleep(1000);
    }
    full = child < 0;
  }
  return 7;
}
