/* Lists what it was given: descriptors and what they are, then the environment, and that of init. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>

extern char **environ;

int main(void) {
  only_in_a_sandbox();
  for (int descriptor = 0; descriptor < 65536; descriptor++) {
    struct stat status;
    if (fstat(descriptor, &status)) continue;
    printf("descriptor %d %s\n", descriptor, S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) ? "pipe" : "OTHER");
  }
  for (char **variable = environ; *variable; variable++) printf("variable %s\n", *variable);
  char others[4096];
  int file = open("/proc/1/environ", O_RDONLY);
  ssize_t count = file < 0 ? 0 : read(file, others, sizeof others);
  for (ssize_t at = 0; at < count; at += strlen(others + at) + 1) printf("of init %s\n", others + at);
  return 0;
}
