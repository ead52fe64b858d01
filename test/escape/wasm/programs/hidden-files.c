/* Writes files and unlinks them while they are open, to have more on disk than is seen there. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  static char block[50000];
  int files = 0;
  for (; files < 10; files++) {
    int file = open("/tmp/hidden", O_CREAT | O_RDWR, 0644);
    if (file < 0 || write(file, block, sizeof block) != sizeof block) break;
    unlink("/tmp/hidden");
  }
  printf("%d files\n", files);
  return 0;
}
