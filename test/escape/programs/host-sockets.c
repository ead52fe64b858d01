/* Tries to reach what listens on the host: an abstract name, a socket file, a port, and where clouds keep secrets. */
#include "attack.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static void reach_unix(const char *what, const char *name, int abstract) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  strncpy(to.sun_path + abstract, name, sizeof to.sun_path - 2);
  report(what, s < 0 ? -1 : connect(s, (struct sockaddr *)&to, offsetof(struct sockaddr_un, sun_path) + abstract + strlen(name)));
}

static void reach_port(const char *address, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  int s = socket(AF_INET, SOCK_STREAM, 0);
  inet_pton(AF_INET, address, &to.sin_addr);
  report(address, s < 0 ? -1 : connect(s, (struct sockaddr *)&to, sizeof to));
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 4) return 2;
  reach_unix("abstract", argv[1], 1);
  reach_unix("file", argv[2], 0);
  reach_unix("engine", "/var/run/docker.sock", 0);
  reach_unix("node", "/dev/souk-control", 0);
  reach_port("127.0.0.1", atoi(argv[3]));
  reach_port("169.254.169.254", 80);
  reach_port("1.1.1.1", 53);
  return 0;
}
