/* Tries to write wherever nobody offered it. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(void) {
  static const char *const folders[] = {"/", "/etc", "/usr", "/bin", "/dev", "/proc", "/sys", "/in", "/run", "/var/tmp", "/root", "/home"};
  only_in_a_sandbox();
  for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
    char path[64];
    snprintf(path, sizeof path, "%s/souk-was-here", folders[i]);
    report(path, open(path, O_CREAT | O_WRONLY, 0644));
  }
  return 0;
}
