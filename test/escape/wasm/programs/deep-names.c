/* Makes folders with long names in each other below the folder of its first argument, and many files in the last. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  static char name[256];
  memset(name, 'n', 255);
  int folder = open(argv[1], O_RDONLY | O_DIRECTORY);
  for (int depth = 0; depth < atoi(argv[2]); depth++) {
    if (mkdirat(folder, name, 0755)) return 3;
    int next = openat(folder, name, O_RDONLY | O_DIRECTORY);
    if (next < 0) return 4;
    close(folder);
    folder = next;
  }
  for (int made = 0; made < atoi(argv[3]); made++) {
    snprintf(name, sizeof name, "file-%d", made);
    int file = openat(folder, name, O_CREAT | O_WRONLY, 0644);
    if (file < 0) return 5;
    close(file);
  }
  return 0;
}
