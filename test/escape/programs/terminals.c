/* Tries to type into a terminal, by its streams and by the devices. */
#include "attack.h"
#include <fcntl.h>
#include <sys/ioctl.h>

static void type_into(const char *what, int terminal) {
  char line[64], subcode = 3;
  snprintf(line, sizeof line, "TIOCSTI %s", what);
  report(line, terminal < 0 ? -1 : ioctl(terminal, TIOCSTI, "x"));
  snprintf(line, sizeof line, "TIOCLINUX %s", what);
  report(line, terminal < 0 ? -1 : ioctl(terminal, TIOCLINUX, &subcode));
}

int main(void) {
  only_in_a_sandbox();
  for (int stream = 0; stream < 3; stream++) type_into((const char *[]){"stdin", "stdout", "stderr"}[stream], stream);
  type_into("/dev/tty", open("/dev/tty", O_RDWR));
  type_into("/dev/console", open("/dev/console", O_RDWR));
  type_into("/dev/tty1", open("/dev/tty1", O_RDWR));
  return 0;
}
