/* Stops itself, which no signal from outside undoes. */
#include "attack.h"
#include <signal.h>

int main(void) {
  only_in_a_sandbox();
  puts("started");
  for (;;) raise(SIGSTOP);
}
