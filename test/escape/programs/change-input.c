/* Tries to change the input that its argument names by the ways that lead around its mount. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2) return 2;
  char again[64], byte;
  int file = open(argv[1], O_RDONLY);
  snprintf(again, sizeof again, "/proc/self/fd/%d", file);
  report("open again", open(again, O_RDWR));
  report("open for all", open(argv[1], O_RDWR | O_TRUNC));
  report("truncate", truncate(argv[1], 0));
  report("mode", chmod(argv[1], 0666));
  report("mode by descriptor", fchmod(file, 0666));
  report("owner", fchown(file, getuid(), getgid()));
  report("times", futimens(file, NULL));
  report("attribute", fsetxattr(file, "user.souk", "x", 1, 0));
  report("link", linkat(AT_FDCWD, argv[1], AT_FDCWD, "/tmp/link", 0));
  report("link by descriptor", linkat(file, "", AT_FDCWD, "/tmp/link", AT_EMPTY_PATH));
  report("rename", rename(argv[1], "/tmp/moved"));
  report("unlink", unlink(argv[1]));
  puts(pread(file, &byte, 1, 0) == 1 && byte == 'a' ? "as it was" : "CHANGED");
  return 0;
}
