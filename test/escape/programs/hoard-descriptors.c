/* Opens pipes until there are no more descriptors, and fills every one; sends descriptors to itself where they do not count. */
#include "attack.h"
#include <fcntl.h>
#include <sys/socket.h>

static int send_descriptor(int via, int descriptor) {
  char control[CMSG_SPACE(sizeof descriptor)] = {0};
  struct iovec byte = {.iov_base = "x", .iov_len = 1};
  struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof descriptor)};
  memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  return sendmsg(via, &message, MSG_DONTWAIT) < 0 ? -1 : 0;
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2) return 2;
  static char block[65536];
  int pair[2], highest = 0, most = atoi(argv[1]);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
    for (int i = 0; i < 10000 && send_descriptor(pair[0], 0) == 0; i++) continue;
  for (int ends[2]; pipe2(ends, O_NONBLOCK) == 0;) {
    highest = ends[1];
    while (write(ends[1], block, sizeof block) > 0) continue;
  }
  puts(errno == EMFILE && highest > 0 && highest < most ? "held" : "NOT HELD");
  return 0;
}
