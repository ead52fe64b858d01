/* Makes its output's pipe as large as it may, fills it in one go, unblocked, and ends. */
#include "attack.h"
#include <fcntl.h>

int main(void) {
  only_in_a_sandbox();
  static char block[1 << 20];
  memset(block, 'x', sizeof block);
  int size = fcntl(1, F_SETPIPE_SZ, sizeof block);
  if (size < 0) size = fcntl(1, F_GETPIPE_SZ);
  fcntl(1, F_SETFL, O_NONBLOCK);
  ssize_t written = write(1, block, size > (int)sizeof block ? (int)sizeof block : size);
  fprintf(stderr, "%zd\n", written);
  return 0;
}
