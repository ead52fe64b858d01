/* Lists what is mounted, and what may not be done there. */
#include "attack.h"

int main(void) {
  only_in_a_sandbox();
  char line[4096], point[1024], options[256];
  FILE *mounts = fopen("/proc/self/mountinfo", "r");
  /* proc_pid_mountinfo(5): the fifth field is the place, the sixth the options of this mount. */
  while (mounts && fgets(line, sizeof line, mounts))
    if (sscanf(line, "%*s %*s %*s %*s %1023s %255s", point, options) == 2) printf("%s %s\n", point, options);
  return 0;
}
