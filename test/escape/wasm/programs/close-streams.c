/* Closes its streams and goes on for ever. */
#include <unistd.h>

int main(void) {
  close(0);
  close(1);
  close(2);
  for (volatile unsigned i = 0;; i++) {
  }
}
