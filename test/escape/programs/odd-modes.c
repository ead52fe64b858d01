/* Leaves results in folders and files that nobody may enter, read or remove, with lists of who may what, and with attributes. */
#include "attack.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

static void put(const char *path, mode_t mode) {
  int file = open(path, O_CREAT | O_WRONLY, 0600);
  if (file < 0 || write(file, "x", 1) != 1 || fchmod(file, mode)) _exit(3);
  close(file);
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2 || chdir(argv[1])) return 2;
  /* posix_acl_xattr, version 2: nobody may anything. */
  const uint32_t nobody[] = {2, 0x00000001, 0xffffffff, 0x00000004, 0xffffffff, 0x00000020, 0xffffffff};
  put("none", 0);
  put("set-user-id", 06777);
  put("sticky", 01000);
  put("listed", 0600);
  setxattr("listed", "system.posix_acl_access", nobody, sizeof nobody, 0);
  setxattr("listed", "user.note", "x", 1, 0);
  if (mkdir("outer", 0755) || mkdir("outer/inner", 0755)) return 4;
  put("outer/inner/deep", 0);
  setxattr("outer/inner", "system.posix_acl_default", nobody, sizeof nobody, 0);
  int folder = open("outer", O_RDONLY | O_DIRECTORY);
  ioctl(folder, FS_IOC_SETFLAGS, &(int){FS_IMMUTABLE_FL | FS_APPEND_FL});
  if (chmod("outer/inner", 0) || chmod("outer", 0111) || chmod(".", 0)) return 5;
  puts("left");
  return 0;
}
