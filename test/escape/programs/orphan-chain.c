/* Leaves behind a process that is a new one all the time: each starts the next and ends, so that no list of them is ever right. */
#include "attack.h"
#include <signal.h>

int main(void) {
  only_in_a_sandbox();
  for (int chain = 0; chain < 4; chain++)
    if (fork() == 0) {
      setsid();
      for (int number = 1; number < NSIG; number++) signal(number, SIG_IGN);
      for (;;) {
        if (fork() > 0) _exit(0);
        usleep(100);
      }
    }
  usleep(50000);
  puts("left");
  return 0;
}
