/* Asks for a core dump and crashes. */
#include "attack.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int main(void) {
  only_in_a_sandbox();
  struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  setrlimit(RLIMIT_CORE, &unlimited);
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  if (chdir("/out")) return 2;
  puts("started");
  raise(SIGSEGV);
  return 3;
}
