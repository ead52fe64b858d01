/* Writes single bytes for ever. */
#include "attack.h"

int main(void) {
  only_in_a_sandbox();
  for (int i = 0;; i++)
    if (write(1 + i % 2, "x", 1) < 0) return 1;
}
