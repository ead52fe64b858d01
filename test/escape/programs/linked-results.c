/* Gives one result several names: across folders, of a file that never had one, of its input, of its program, of a stream. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>

static void link_descriptor(const char *what, int file, const char *to) {
  char from[64];
  snprintf(from, sizeof from, "/proc/self/fd/%d", file);
  report(what, linkat(AT_FDCWD, from, AT_FDCWD, to, AT_SYMLINK_FOLLOW));
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 4) return 2;
  const char *one = argv[1], *other = argv[2], *input = argv[3];
  char path[128], second[128];
  snprintf(path, sizeof path, "%s/twin", one);
  if (close(open(path, O_CREAT | O_WRONLY, 0644))) return 3;
  snprintf(second, sizeof second, "%s/twin", other);
  report("into another folder", link(path, second));
  snprintf(second, sizeof second, "/tmp/twin");
  report("into /tmp", link(path, second));
  snprintf(second, sizeof second, "%s/again", one);
  report("beside it", link(path, second));
  int nameless = open(one, O_TMPFILE | O_RDWR, 0644);
  if (nameless < 0 || write(nameless, "named late", 10) != 10) return 4;
  snprintf(second, sizeof second, "%s/late", one);
  link_descriptor("a nameless file", nameless, second);
  snprintf(second, sizeof second, "%s/input", one);
  report("its input", link(input, second));
  link_descriptor("its input by descriptor", open(input, O_RDONLY), second);
  link_descriptor("its program", open("/proc/self/exe", O_RDONLY), second);
  link_descriptor("a stream", 1, second);
  link_descriptor("a process", open("/proc/self/status", O_RDONLY), second);
  return 0;
}
