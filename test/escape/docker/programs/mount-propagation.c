/* Names every mount from or to which others would spread (proc_pid_mountinfo(5)). */
#include "../../programs/attack.h"

static const char *const tags[] = {" shared:", " master:", " propagate_from:"};

int main(void) {
  char line[4096], point[1024];
  int count = 0;
  only_in_a_sandbox();
  FILE *mounts = fopen("/proc/self/mountinfo", "r");
  while (mounts && fgets(line, sizeof line, mounts)) {
    count++;
    if (sscanf(line, "%*s %*s %*s %*s %1023s", point) != 1) return 2;
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++)
      if (strstr(line, tags[i])) printf("%s%s\n", point, tags[i]);
  }
  puts(count > 5 ? "looked" : "SAW NONE");
  return 0;
}
