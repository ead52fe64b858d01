/* Fills the disk with files that have no name, or no name any more, and ends while it holds them. */
#include "attack.h"
#include <fcntl.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2 || chdir(argv[1])) return 2;
  static char block[65536];
  for (int i = 0; i < 8; i++) {
    int file = i % 2 ? open(".", O_TMPFILE | O_RDWR, 0600) : open("gone", O_CREAT | O_RDWR, 0600);
    if (file < 0) return 3;
    if (i % 2 == 0 && unlink("gone")) return 4;
    while (write(file, block, sizeof block) > 0) continue;
  }
  puts(errno == ENOSPC || errno == EFBIG ? "full" : "NOT FULL");
  return 0;
}
