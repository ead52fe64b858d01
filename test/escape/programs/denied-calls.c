/* Makes calls that are denied, one after the other, from several processes, for ever: each has to be looked at by somebody. */
#include "attack.h"
#include <sys/syscall.h>

int main(void) {
  only_in_a_sandbox();
  puts("started");
  for (int i = 0; i < 7; i++)
    if (fork() == 0) break;
  for (;;)
    syscall(SYS_mount, NULL, NULL, NULL, 0, NULL);
}
