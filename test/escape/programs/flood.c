/* Writes to both streams in turn for ever. */
#include "attack.h"

int main(void) {
  only_in_a_sandbox();
  static char block[65536];
  for (;;)
    if (write(1, block, sizeof block) < 0 || write(2, block, sizeof block) < 0) return 1;
}
