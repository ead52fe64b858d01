/* Makes calls by the numbers of other architectures: `x32`, `i386` by an interrupt. Whether a filter sees them is what matters. */
#include "attack.h"
#include <sys/syscall.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2) return 2;
#ifdef __x86_64__
  if (!strcmp(argv[1], "x32")) {
    const long x32 = 0x40000000;
    report("mount", syscall(x32 | SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
    report("ptrace", syscall(x32 | 521, 0, 0, 0, 0));
    report("getpid", syscall(x32 | SYS_getpid));
    return 0;
  }
  puts("started");
  long result;
  /* getpid in the table of i386; SYS_mount there is 21. */
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "r8", "r9", "r10", "r11", "memory");
  printf("RETURNED %ld\n", result);
#endif
  return 0;
}
