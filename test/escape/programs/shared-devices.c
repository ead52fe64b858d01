/* Uses the devices that all of the host shares: to change them for others, and without end. */
#include "attack.h"
#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(void) {
  only_in_a_sandbox();
  static char block[1 << 20];
  struct {
    int bits, bytes;
    char content[8];
  } entropy = {64, 8, "entropy"};
  int pool = open("/dev/random", O_RDWR);
  report("credit entropy", ioctl(pool, RNDADDENTROPY, &entropy));
  report("count entropy", ioctl(pool, RNDADDTOENTCNT, &(int){4096}));
  report("clear the pool", ioctl(pool, RNDCLEARPOOL, NULL));
  report("seed anew", ioctl(pool, RNDRESEEDCRNG, NULL));
  report("mode of a device", chmod("/dev/null", 0));
  report("owner of a device", chown("/dev/null", getuid(), getgid()));
  report("remove a device", unlink("/dev/null"));
  report("replace a device", rename("/dev/zero", "/dev/null"));
  report("cut a device", truncate("/dev/zero", 0) ? -1 : (errno = EINVAL, -1));
  report("fill /dev/full", write(open("/dev/full", O_RDWR), "x", 1));
  report("run a device", execl("/dev/zero", "zero", NULL));
  for (int i = 0; i < 16; i++) {
    if (read(pool, block, sizeof block) <= 0) return 3;
    if (write(pool, block, 65536) <= 0) return 4;
  }
  char *zeros = mmap(NULL, sizeof block, PROT_READ | PROT_WRITE, MAP_SHARED, open("/dev/zero", O_RDWR), 0);
  if (zeros != MAP_FAILED) memset(zeros, 'x', sizeof block);
  return read(open("/dev/zero", O_RDONLY), block, 1) == 1 && block[0] == 0 ? 0 : 5;
}
