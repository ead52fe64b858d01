/* Makes folders in folders, 100,000 deep, and a file at the bottom, below the folder that its argument names. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int folder = open(argv[1], O_RDONLY | O_DIRECTORY);
  int depth = 0;
  for (; depth < atoi(argv[2]); depth++) {
    if (mkdirat(folder, "d", 0755)) break;
    int next = openat(folder, "d", O_RDONLY | O_DIRECTORY);
    if (next < 0) break;
    close(folder);
    folder = next;
  }
  int file = openat(folder, "bottom", O_CREAT | O_WRONLY, 0644);
  printf("depth %d, file %s\n", depth, file >= 0 ? "made" : "refused");
  return 0;
}
