/* Opens its own streams anew by the ends that are not its own: reads what it wrote, fills what it is to read, and leaves
 * with a child that holds all of them. */
#include "../../programs/attack.h"
#include <fcntl.h>
#include <signal.h>

int main(void) {
  char some[65536];
  only_in_a_sandbox();
  int own_output = open("/proc/self/fd/1", O_RDONLY | O_NONBLOCK), own_input = open("/proc/self/fd/0", O_WRONLY | O_NONBLOCK);
  if (own_input >= 0) {
    fcntl(own_input, F_SETPIPE_SZ, 4096);
    while (write(own_input, some, sizeof some) > 0) continue;
  }
  for (int stream = 0; stream <= 2; stream++) {
    fcntl(stream, F_SETOWN, 1);
    fcntl(stream, F_SETSIG, SIGKILL);
    fcntl(stream, F_SETFL, O_ASYNC | O_NONBLOCK);
  }
  if (fork() == 0) {
    setsid();
    for (;;) {
      if (own_output >= 0 && read(own_output, some, 1) < 0) usleep(1000);
      if (own_input >= 0 && write(own_input, some, 1) < 0) usleep(1000);
    }
  }
  usleep(200000);
  return 5;
}
