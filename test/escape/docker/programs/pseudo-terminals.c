/* Makes pseudo-terminals, of which all of the host has one number together (devpts, pty.max). */
#include "../../programs/attack.h"
#include <fcntl.h>

int main(void) {
  only_in_a_sandbox();
  report("by the call", posix_openpt(O_RDWR | O_NOCTTY));
  report("by its device", open("/dev/ptmx", O_RDWR));
  report("by the device of its own", open("/dev/pts/ptmx", O_RDWR));
  report("the first", open("/dev/pts/0", O_RDWR));
  report("its own", open("/dev/tty", O_RDWR));
  report("the console", open("/dev/console", O_RDWR));
  return 0;
}
