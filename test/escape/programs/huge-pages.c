/* Asks for pages of the host's pool of huge ones, which is not counted as the task's memory. */
#include "attack.h"
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

enum { HUGE = 2 << 20 };

int main(void) {
  only_in_a_sandbox();
  int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
  report("map", mmap(NULL, HUGE, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED ? -1 : 0);
  report("map of 2 MiB", mmap(NULL, HUGE, PROT_READ | PROT_WRITE, flags | 21 << MAP_HUGE_SHIFT, -1, 0) == MAP_FAILED ? -1 : 0);
  report("shared map", mmap(NULL, HUGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) == MAP_FAILED ? -1 : 0);
  report("file", memfd_create("huge", MFD_HUGETLB));
  report("file of 2 MiB", memfd_create("huge", MFD_HUGETLB | 21U << MAP_HUGE_SHIFT));
  report("segment", shmget(IPC_PRIVATE, HUGE, IPC_CREAT | SHM_HUGETLB | 0600));
  return 0;
}
