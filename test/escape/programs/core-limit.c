/* A limit of 1 byte keeps the kernel from handing a core to a program of the host; one of 0 does not. Tries to have another. */
#include "attack.h"
#include <sys/resource.h>
#include <sys/syscall.h>

int main(void) {
  only_in_a_sandbox();
  struct rlimit core, none = {0, 0}, unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  if (getrlimit(RLIMIT_CORE, &core)) return 2;
  printf("%llu of %llu\n", (unsigned long long)core.rlim_cur, (unsigned long long)core.rlim_max);
  const long high = 1L << 32 | RLIMIT_CORE;
  report("none", syscall(SYS_prlimit64, 0L, (long)RLIMIT_CORE, &none, NULL));
  report("none, by itself", syscall(SYS_prlimit64, (long)getpid(), (long)RLIMIT_CORE, &none, NULL));
  report("none, high bits", syscall(SYS_prlimit64, 0L, high, &none, NULL));
  report("none, by high bits", syscall(SYS_prlimit64, 1L << 32, (long)RLIMIT_CORE, &none, NULL));
  report("unlimited", syscall(SYS_prlimit64, 0L, (long)RLIMIT_CORE, &unlimited, NULL));
#ifdef SYS_setrlimit
  report("none, by the old call", syscall(SYS_setrlimit, (long)RLIMIT_CORE, &none));
  report("none, by the old call, high bits", syscall(SYS_setrlimit, high, &none));
#endif
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files)) return 3;
  files.rlim_cur--;
  return setrlimit(RLIMIT_NOFILE, &files) == 0 ? 0 : 4;
}
