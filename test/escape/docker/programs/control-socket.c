/* Takes hold of the socket over which the first process of its container speaks to the node: connects, stands in, floods. */
#include "../../programs/attack.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

enum { CONNECTIONS = 500, GUESSED_BYTES = 67 };
static const char folder[] = "/dev/souk", place[] = "/dev/souk/control";

static int open_socket(struct sockaddr_un *address) {
  *address = (struct sockaddr_un){.sun_family = AF_UNIX};
  strcpy(address->sun_path, place);
  return socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
}

int main(void) {
  struct sockaddr_un address;
  int connected = 0;
  /* A greeting as the first process has it, with a secret of noughts. */
  unsigned char greeting[GUESSED_BYTES] = {'R', 62};

  only_in_a_sandbox();
  for (int i = 0; i < CONNECTIONS; i++) {
    int stranger = open_socket(&address);
    if (stranger < 0) break;
    if (connect(stranger, (struct sockaddr *)&address, sizeof address) < 0) {
      close(stranger);
      continue;
    }
    connected++;
    if (send(stranger, greeting, sizeof greeting, MSG_NOSIGNAL) < 0) close(stranger);
  }
  printf("%d connections\n", connected);
  report("remove it", unlink(place));
  report("listen in its place", bind(open_socket(&address), (struct sockaddr *)&address, sizeof address));
  report("a link in its place", symlink("/tmp/other", "/dev/souk/other"));
  report("move it", rename(place, "/dev/souk/moved"));
  report("move its folder", rename(folder, "/tmp/souk"));
  report("a folder in its folder", mkdir("/dev/souk/more", 0755));
  report("its mode", chmod(place, 0));
  report("its folder's mode", chmod(folder, 0777));
  report("its owner", chown(folder, getuid(), getgid()));
  report("a name for it elsewhere", link(place, "/tmp/control"));
  report("a name for the program", link("/dev/souk-init", "/tmp/init"));
  report("write to the program", open("/dev/souk-init", O_WRONLY));
  report("remove the program", unlink("/dev/souk-init"));
  report("move the program", rename("/dev/souk-init", "/dev/moved"));
  return 0;
}
