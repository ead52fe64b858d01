/*
 * Asks the file system under a file that it may only read for what would concern others: to freeze, to lease, to lock, to flag. What is
 * set is what is there already, and what is frozen is thawed.
 */
#include "attack.h"
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/fsverity.h>
#include <sys/ioctl.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2) return 2;
  int file = open(argv[1], O_RDONLY);
  if (file < 0) return 3;
  struct fstrim_range all = {.len = ~0ULL};
  struct fsxattr attributes = {0};
  int flags = 0;
  char label[256] = "";
  struct fsverity_enable_arg verity = {.version = 1, .hash_algorithm = 1, .block_size = 4096};
  struct {
    struct fscrypt_add_key_arg key;
    char raw[64];
  } key = {.key = {.key_spec = {.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER}, .raw_size = 64}};
  report("freeze", ioctl(file, FIFREEZE, 0));
  report("thaw", ioctl(file, FITHAW, 0));
  report("trim", ioctl(file, FITRIM, &all));
  ioctl(file, FS_IOC_GETFLAGS, &flags);
  report("flags", ioctl(file, FS_IOC_SETFLAGS, &flags));
  ioctl(file, FS_IOC_FSGETXATTR, &attributes);
  report("project", ioctl(file, FS_IOC_FSSETXATTR, &attributes));
  ioctl(file, FS_IOC_GETFSLABEL, label);
  report("label", ioctl(file, FS_IOC_SETFSLABEL, label));
  report("key", ioctl(file, FS_IOC_ADD_ENCRYPTION_KEY, &key));
  report("verity", ioctl(file, FS_IOC_ENABLE_VERITY, &verity));
  report("share blocks", ioctl(file, FICLONE, file));
  report("block map", ioctl(file, FIBMAP, &(int){0}));
  report("lease", fcntl(file, F_SETLEASE, F_RDLCK));
  report("lease for writing", fcntl(file, F_SETLEASE, F_WRLCK));
  report("lock for writing", fcntl(file, F_SETLK, &(struct flock){.l_type = F_WRLCK}));
  report("lifetime", fcntl(file, F_SET_RW_HINT, &(unsigned long long){5}));
  report("seal", fcntl(file, F_ADD_SEALS, F_SEAL_WRITE));
  report("allocate", fallocate(file, 0, 0, 1 << 20));
  return 0;
}
