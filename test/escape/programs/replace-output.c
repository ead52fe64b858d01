/* Removes, moves and replaces the folder of its results itself, and then leaves a file in what still is there. */
#include "attack.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 3) return 2;
  const char *out = argv[1], *elsewhere = argv[2];
  report("remove", rmdir(out));
  report("move", rename(out, "/tmp/moved"));
  report("exchange", renameat2(AT_FDCWD, "/tmp", AT_FDCWD, out, RENAME_EXCHANGE));
  report("unmount", umount2(out, MNT_DETACH));
  mkdir("/tmp/own", 0755);
  report("move over", rename("/tmp/own", out));
  report("link over", symlink(elsewhere, out));
  if (symlink(elsewhere, "/tmp/link")) return 3;
  report("move link over", rename("/tmp/link", out));
  if (chdir(out) || close(open("file", O_CREAT | O_WRONLY, 0644))) return 4;
  return 0;
}
