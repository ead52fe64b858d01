/* Locks memory, and takes priority over others. */
#include "../../programs/attack.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>

enum { BYTES = 1 << 20 };

int main(void) {
  only_in_a_sandbox();
  char *memory = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  report("lock", mlock(memory, BYTES));
  report("lock all", mlockall(MCL_CURRENT | MCL_FUTURE));
  report("locked from the start", mmap(NULL, BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0) == MAP_FAILED ? -1 : 0);
  int segment = shmget(IPC_PRIVATE, BYTES, 0600);
  report("lock a segment", shmctl(segment, SHM_LOCK, NULL));
  shmctl(segment, IPC_RMID, NULL);
  report("real time", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}));
  report("in turn", sched_setscheduler(0, SCHED_RR, &(struct sched_param){.sched_priority = 1}));
  report("nicer to itself", setpriority(PRIO_PROCESS, 0, -1));
  return 0;
}
