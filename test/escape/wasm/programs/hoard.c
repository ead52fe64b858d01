/* Takes of the host what is not memory of its own: names, folders and descriptors, as many as it gets. */
#include "raw.h"
#include <stdlib.h>

static char path[300];

int main(int argc, char **argv) {
  int32_t fd, files = 0, folders = 0;
  const int most = argc > 1 ? atoi(argv[1]) : 0;
  memcpy(path, "tmp/", 4);
  memset(path + 4, 'n', 255);
  for (int i = 0; i < most; i++) {
    path[4 + snprintf(path + 4, 10, "%08d", i)] = 'n';
    if (raw_open(ROOT, 0, path, 259, CREATE, READ | WRITE, 0, 0, &fd)) break;
    files++;
    /* The smallest file that takes a block of its own. */
    (void)!writing(fd, "x");
  }
  for (int i = 0; i < most; i++) {
    path[4 + snprintf(path + 4, 10, "%08d", i)] = 'f';
    if (raw_mkdir(ROOT, path, 259)) break;
    folders++;
  }
  printf("files %d\nfolders %d\n", files, folders);
  return 0;
}
