/* Makes as many files as its argument says, each by a path of some 4000 bytes that says nothing. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
  if (argc < 2) return 2;
  int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
  static char path[4096];
  for (int at = 0; at < 4000; at += 2) memcpy(path + at, "./", 2);
  for (int made = 0; made < atoi(argv[1]); made++) {
    /* A letter beyond Latin-1 doubles what the whole path takes. */
    snprintf(path + 4000, sizeof path - 4000, "\u0144ame-of-thirteen-%d", made);
    int file = openat(folder, path, O_CREAT | O_WRONLY, 0644);
    if (file < 0) return 3;
    close(file);
  }
  return 0;
}
