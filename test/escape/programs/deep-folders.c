/*
 * Makes folders within folders as often as it is told, and a file in the innermost. In pieces, of which each new one takes what there is into its
 * innermost folder: some kernels look at every folder above where something is made.
 */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>

enum { PIECE = 1000 };

static int below(const char *name) { return mkdir(name, 0755) == 0 && chdir(name) == 0; }

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 3 || chdir(argv[1])) return 2;
  int depth = 0, made = 0, deepest = atoi(argv[2]);
  while (depth < deepest) {
    int count = below("piece");
    while (count > 0 && count < PIECE && below("d")) count++;
    if (depth == 0) made = open("f", O_CREAT | O_WRONLY, 0644) >= 0;
    int out = open(argv[1], O_RDONLY | O_DIRECTORY);
    if (depth > 0 && renameat(out, "all", AT_FDCWD, "d") < 0) break;
    if (fchdir(out) < 0 || rename("piece", "all") < 0) break;
    close(out);
    depth += count;
    if (count < PIECE) break;
  }
  printf("depth %d, file %s\n", depth, made ? "made" : "refused");
  return 0;
}
