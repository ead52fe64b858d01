/* Gives its own files attributes that the kernel, or the host's programs, would act on. */
#include "attack.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2 || chdir(argv[1])) return 2;
  int file = open("file", O_CREAT | O_RDWR, 0755);
  /* cap_sys_admin, effective (vfs_cap_data, version 2). */
  const uint32_t capabilities[] = {0x02000001, 1 << 21, 0, 0, 0};
  report("capabilities", fsetxattr(file, "security.capability", capabilities, sizeof capabilities, 0));
  report("measurement", fsetxattr(file, "security.ima", "x", 1, 0));
  report("overlay", fsetxattr(file, "trusted.overlay.opaque", "y", 1, 0));
  report("immutable", ioctl(file, FS_IOC_SETFLAGS, &(int){FS_IMMUTABLE_FL}));
  report("append only", ioctl(file, FS_IOC_SETFLAGS, &(int){FS_APPEND_FL}));
  report("owner", fchown(file, 0, -1));
  report("group", fchown(file, -1, 0));
  report("another’s owner", lchown("/", 65534, 65534));
  report("whiteout", mknod("whiteout", S_IFCHR, 0));
  return 0;
}
