/* Ends itself by the signal that ends tasks which are past a limit. */
#include "attack.h"
#include <signal.h>

int main(void) {
  only_in_a_sandbox();
  puts("started");
  kill(getpid(), SIGKILL);
  return 2;
}
