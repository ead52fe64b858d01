/* Makes files, folders, links and pipes, everywhere it may, until nothing works any more. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  int made = 0;
  for (int folder = 1; folder < argc; folder++)
    for (int i = 0, failed = 0; failed < 4; i++) {
      char path[256];
      snprintf(path, sizeof path, "%s/%d", argv[folder], i);
      int result = i % 4 == 0   ? close(open(path, O_CREAT | O_WRONLY, 0644))
                   : i % 4 == 1 ? mkdir(path, 0755)
                   : i % 4 == 2 ? symlink("x", path)
                                : mkfifo(path, 0644);
      if (result < 0) failed++;
      else made++;
    }
  printf("made %d\n", made);
  return 0;
}
