/* Makes folders within folders as often as it is told, and a file in the last. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 3 || chdir(argv[1])) return 2;
  int depth = 0;
  while (depth < atoi(argv[2]) && mkdir("d", 0755) == 0 && chdir("d") == 0) depth++;
  printf("depth %d, file %s\n", depth, open("f", O_CREAT | O_WRONLY, 0644) < 0 ? "refused" : "made");
  return 0;
}
