/* Tries to change what is mounted, by the old calls and the new. */
#include "attack.h"
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>

int main(void) {
  only_in_a_sandbox();
  report("mount tmpfs", mount("none", "/tmp", "tmpfs", 0, NULL));
  report("mount proc", mount("proc", "/tmp", "proc", 0, NULL));
  report("mount cgroup", mount("none", "/tmp", "cgroup", 0, "memory"));
  report("mount overlay", mount("overlay", "/tmp", "overlay", 0, "lowerdir=/,upperdir=/tmp,workdir=/tmp"));
  report("bind", mount("/", "/tmp", NULL, MS_BIND, NULL));
  report("remount", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
  report("share", mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL));
  report("unmount /proc", umount2("/proc", MNT_DETACH));
  report("unmount /tmp", umount2("/tmp", MNT_DETACH));
  report("unmount /", umount2("/", MNT_DETACH));
  report("pivot_root", syscall(SYS_pivot_root, ".", "."));
  report("chroot", chroot("/tmp"));
  report("fsopen", syscall(SYS_fsopen, "tmpfs", 0));
  report("fspick", syscall(SYS_fspick, AT_FDCWD, "/", 0));
  report("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 0));
  report("open_tree clone", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
  report("move_mount", syscall(SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/tmp", 0));
  struct {
    unsigned long long set, clear, propagation, userns;
  } writable = {.clear = 1};
  report("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &writable, sizeof writable));
  return 0;
}
