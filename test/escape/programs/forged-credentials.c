/* Claims over a socket to be somebody else: who listens goes by what the kernel lets pass. */
#include "attack.h"
#include <sys/socket.h>

static int via;

static void claim(const char *what, pid_t pid, uid_t uid, gid_t gid) {
  struct ucred who = {pid, uid, gid};
  char control[CMSG_SPACE(sizeof who)] = {0};
  struct iovec byte = {.iov_base = "x", .iov_len = 1};
  struct msghdr message = {.msg_iov = &byte, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_CREDENTIALS, .cmsg_len = CMSG_LEN(sizeof who)};
  memcpy(CMSG_DATA(header), &who, sizeof who);
  report(what, sendmsg(via, &message, MSG_DONTWAIT));
}

int main(void) {
  only_in_a_sandbox();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends)) return 2;
  via = ends[0];
  claim("init", 1, getuid(), getgid());
  claim("root", getpid(), 0, getgid());
  claim("root’s group", getpid(), getuid(), 0);
  claim("nobody there", 4000000, getuid(), getgid());
  struct ucred root = {1, 0, 0};
  report("of the socket", setsockopt(via, SOL_SOCKET, SO_PEERCRED, &root, sizeof root));
  return 0;
}
