/* Every process waits, deaf to signals, for one that it lent its memory to, and that does the same. */
#include "attack.h"

int main(void) {
  only_in_a_sandbox();
  puts("started");
  for (;;) {
    /* On purpose: the child goes on in the parent's frame, until there are no more processes. */
    if (vfork() != 0) pause();
  }
}
