/* Attaches programs to sockets: the kernel compiles them into memory that is one for the whole host. */
#include "attack.h"
#include <linux/filter.h>
#include <sys/socket.h>
#include <sys/syscall.h>

static long attach(int socket, long option, const void *value, unsigned bytes) {
  return syscall(SYS_setsockopt, (long)socket, (long)SOL_SOCKET, option, value, (long)bytes);
}

int main(void) {
  only_in_a_sandbox();
  struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, ~0U)};
  struct sock_fprog program = {1, all};
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends)) return 2;
  report("filter", attach(ends[0], SO_ATTACH_FILTER, &program, sizeof program));
  /* The kernel looks at the low half of an option only. */
  report("filter, high bits", attach(ends[0], 1L << 32 | SO_ATTACH_FILTER, &program, sizeof program));
  report("filter, negative", attach(ends[0], ~0xffffffffL | SO_ATTACH_FILTER, &program, sizeof program));
  report("compiled filter", attach(ends[0], SO_ATTACH_BPF, &(int){0}, sizeof(int)));
  report("distributor", attach(ends[0], SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program));
  report("compiled distributor", attach(ends[0], SO_ATTACH_REUSEPORT_EBPF, &(int){0}, sizeof(int)));
  if (attach(ends[0], SO_SNDBUF, &(int){65536}, sizeof(int)) || attach(ends[0], SO_PASSCRED, &(int){1}, sizeof(int))) return 3;
  return 0;
}
