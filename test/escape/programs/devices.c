/* Makes devices where it may write, and opens those that would lead out. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static void make(const char *path, mode_t kind, dev_t device) { report(path, mknod(path, kind | 0666, device)); }

int main(void) {
  only_in_a_sandbox();
  make("/tmp/mem", S_IFCHR, makedev(1, 1));
  make("/tmp/kmsg", S_IFCHR, makedev(1, 11));
  make("/tmp/sda", S_IFBLK, makedev(8, 0));
  make("/out/mem", S_IFCHR, makedev(1, 1));
  make("/dev/mem", S_IFCHR, makedev(1, 1));
  static const char *const devices[] = {"/dev/kmsg", "/dev/mem",  "/dev/sda",  "/dev/vda",      "/dev/kvm",
                                        "/dev/fuse", "/dev/port", "/dev/loop-control", "/dev/net/tun", "/dev/vhost-vsock"};
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) report(devices[i], open(devices[i], O_RDWR));
  return 0;
}
