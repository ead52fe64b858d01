/* Asks for more stack, and uses all that there is. */
#include "attack.h"
#include <sys/resource.h>

static volatile int endless = 1;

static int go_deeper(const volatile char *above) {
  volatile char here[4096];
  here[0] = above[0];
  return endless ? go_deeper(here) + here[0] : 0;
}

int main(void) {
  only_in_a_sandbox();
  struct rlimit stack, unlimited = {RLIM_INFINITY, RLIM_INFINITY};
  report("raise", setrlimit(RLIMIT_STACK, &unlimited));
  if (getrlimit(RLIMIT_STACK, &stack)) return 2;
  printf("%llu bytes\n", (unsigned long long)stack.rlim_max);
  stack.rlim_cur = stack.rlim_max;
  setrlimit(RLIMIT_STACK, &stack);
  return go_deeper("");
}
