/* Looks for a file of the host by every way that leads there from another process, from a folder, or by its name. */
#include "attack.h"
#include <fcntl.h>

static int found;

static void look(const char *before, const char *path) {
  char name[4096], some[1];
  snprintf(name, sizeof name, "%s%s", before, path);
  int file = open(name, O_RDONLY | O_NONBLOCK);
  if (file < 0) return;
  if (read(file, some, 1) == 1) {
    found++;
    printf("FOUND %s\n", name);
  }
  close(file);
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2) return 2;
  static const char *const ways[] = {"root", "cwd", "cwd/../../../../../..", "fd/3", "fd/4", "fd/5", "map_files/.."};
  look("", argv[1]);
  look("/../../../../../..", argv[1]);
  look("/proc/self/root/..", argv[1]);
  look("/dev/fd/3", argv[1]);
  look("/host", argv[1]);
  look("/.old-root", argv[1]);
  look("/oldroot", argv[1]);
  for (int pid = 1; pid < 70000; pid++)
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
      char before[64];
      snprintf(before, sizeof before, "/proc/%d/%s", pid, ways[way]);
      look(before, argv[1]);
    }
  if (!found) puts("not found");
  return 0;
}
