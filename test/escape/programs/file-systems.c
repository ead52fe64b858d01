/* Configures file systems by the newer calls, whose parsers ran over their buffers once, and takes mounts apart by descriptor. */
#include "attack.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

int main(void) {
  static const char *const types[] = {"ext4", "overlay", "proc", "cgroup", "cgroup2", "fuse", "mqueue", "nfs", "9p"};
  only_in_a_sandbox();
  for (size_t i = 0; i < sizeof types / sizeof *types; i++) report(types[i], syscall(SYS_fsopen, types[i], 0));
  int root = open("/", O_PATH | O_DIRECTORY);
  char value[4096];
  memset(value, 'A', sizeof value - 1);
  value[sizeof value - 1] = '\0';
  report("set a string", syscall(SYS_fsconfig, root, 1, value, value, 0));
  report("set a descriptor", syscall(SYS_fsconfig, root, 5, "fd", NULL, root));
  report("create", syscall(SYS_fsconfig, root, 6, NULL, NULL, 0));
  report("reconfigure", syscall(SYS_fsconfig, root, 7, NULL, NULL, 0));
  report("mount", syscall(SYS_fsmount, root, 0, 0));
  report("pick by descriptor", syscall(SYS_fspick, root, "", 8));
  report("copy by descriptor", syscall(SYS_open_tree, root, "", AT_EMPTY_PATH | 1 | AT_RECURSIVE));
  report("move by descriptor", syscall(SYS_move_mount, root, "", root, "", 4 | 0x40));
  report("move beneath", syscall(SYS_move_mount, root, "", root, "", 4 | 0x200));
  report("unmount what is not used", umount2("/tmp", MNT_EXPIRE));
  report("mount status", syscall(457, NULL, NULL, 0, 0));
  report("list of mounts", syscall(458, NULL, NULL, 0, 0));
  report("attributes by path", syscall(467, AT_FDCWD, "/", 0, NULL, 0, 0));
  report("cache of root", syscall(SYS_sync));
  report("write out", syscall(SYS_syncfs, root));
  return 0;
}
