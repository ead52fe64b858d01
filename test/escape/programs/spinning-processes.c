/* Uses the CPU in 200 processes. */
#include "attack.h"

int main(void) {
  only_in_a_sandbox();
  puts("started");
  for (int i = 0; i < 199; i++)
    if (fork() == 0) break;
  for (volatile unsigned i = 0;; i++) {
  }
}
