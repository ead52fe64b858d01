/* Turns its streams around and changes their flags; the other ends are the node's. */
#include "attack.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

int main(void) {
  only_in_a_sandbox();
  char some[64];
  report("write to input", write(0, "x", 1));
  report("read from output", read(1, some, 1));
  report("seek in output", lseek(1, 0, SEEK_SET));
  report("output as a file", ftruncate(1, 0));
  report("map output", mmap(NULL, 4096, PROT_READ, MAP_SHARED, 1, 0) == MAP_FAILED ? -1 : 0);
  report("output opened for reading", open("/proc/self/fd/1", O_RDONLY | O_NONBLOCK));
  report("input opened for writing", open("/proc/self/fd/0", O_WRONLY | O_NONBLOCK));
  /* From here on what counts is that all is as it was at the other end. */
  for (int stream = 0; stream < 3; stream++) {
    fcntl(stream, F_SETFL, O_NONBLOCK | O_APPEND | O_ASYNC | O_DIRECT);
    fcntl(stream, F_SETOWN, 1);
    fcntl(stream, F_SETSIG, SIGKILL);
    ioctl(stream, FIONBIO, &(int){1});
    ioctl(stream, FIOASYNC, &(int){1});
    fcntl(stream, F_SETPIPE_SZ, 4096);
    fcntl(stream, F_SETLEASE, F_WRLCK);
  }
  static char block[100000];
  memset(block, '.', sizeof block);
  for (size_t done = 0; done < sizeof block;) {
    ssize_t count = write(1, block + done, sizeof block - done);
    if (count > 0) done += count;
    else if (errno != EAGAIN) return 3;
  }
  close(0);
  close(2);
  return 0;
}
