/* Leaves as many small results as it is told. */
#include "attack.h"
#include <fcntl.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 3 || chdir(argv[1])) return 2;
  for (int i = 0; i < atoi(argv[2]); i++) {
    char name[16];
    snprintf(name, sizeof name, "%05d", i);
    int file = open(name, O_CREAT | O_WRONLY, 0644);
    if (file < 0 || write(file, name, 5) != 5) return 3;
    close(file);
  }
  puts("made");
  return 0;
}
