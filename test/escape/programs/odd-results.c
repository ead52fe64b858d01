/* Leaves results that lead elsewhere: links to a file of the host, a parent that is a link, a loop, a socket, a pipe. */
#include "attack.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 3 || chdir(argv[1])) return 2;
  if (symlink(argv[2], "secret") || symlink("/proc/self/environ", "environ") || symlink("loop", "loop")) return 3;
  if (mkdir("parent", 0755) || close(open("parent/file", O_CREAT | O_WRONLY, 0644)) || rename("parent", "moved")) return 4;
  if (symlink("..", "parent") || mkfifo("pipe", 0666)) return 5;
  struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  if (s < 0 || bind(s, (struct sockaddr *)&name, sizeof name)) return 6;
  if (mkdir("closed", 0755) || close(open("closed/file", O_CREAT | O_WRONLY, 0)) || chmod("closed", 0)) return 7;
  return 0;
}
