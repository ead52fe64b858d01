/* Makes both pipes as large as they go, has writes never wait, and writes to both in turn for as long as it lives. */
#include "../../programs/attack.h"
#include <fcntl.h>

int main(void) {
  static char block[65536];
  only_in_a_sandbox();
  memset(block, 'x', sizeof block);
  for (int stream = 1; stream <= 2; stream++) {
    fcntl(stream, F_SETPIPE_SZ, 1 << 20);
    fcntl(stream, F_SETFL, O_NONBLOCK);
  }
  for (;;) {
    ssize_t to_output = write(1, block, sizeof block), to_errors = write(2, block, sizeof block);
    if (to_output < 0 && to_errors < 0) usleep(100);
  }
}
