/* Hoards memory in what files can be labelled with, which is no content of theirs. */
#include "attack.h"
#include <fcntl.h>
#include <sys/xattr.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2 || chdir(argv[1])) return 2;
  static char value[60000];
  long held = 0;
  puts("started");
  for (int i = 0; i < 100000; i++) {
    char name[32];
    snprintf(name, sizeof name, "%d", i);
    int file = open(name, O_CREAT | O_WRONLY, 0644);
    if (file < 0) break;
    for (int k = 0; k < 10000; k++) {
      snprintf(name, sizeof name, "user.%d", k);
      if (fsetxattr(file, name, value, sizeof value, 0)) break;
      held += sizeof value;
    }
    close(file);
  }
  puts(held < 64L << 20 ? "held" : "NOT HELD");
  return 0;
}
