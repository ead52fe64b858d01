/* Makes results that are larger than they look: past every limit, and several that are each just within it. */
#include "attack.h"
#include <fcntl.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 3 || chdir(argv[1])) return 2;
  off_t within = atoll(argv[2]);
  int file = open("huge", O_CREAT | O_RDWR, 0644);
  report("truncate", ftruncate(file, 1LL << 40));
  report("write", pwrite(file, "x", 1, 1LL << 40));
  report("allocate", fallocate(file, 0, 0, 1LL << 40));
  report("copy", copy_file_range(0, NULL, file, &(off_t){1LL << 40}, 1, 0));
  for (int i = 0; i < 3; i++) {
    char name[16];
    snprintf(name, sizeof name, "sparse-%d", i);
    if (ftruncate(open(name, O_CREAT | O_RDWR, 0644), within)) return 3;
  }
  return 0;
}
