/* Every process starts processes for ever. */
#include "attack.h"

int main(void) {
  only_in_a_sandbox();
  puts("started");
  for (;;) fork();
}
