/* `hoard-quotas all`: takes all it can of what the kernel counts by user, and holds it until input ends. Else: takes one of each. */
#include "attack.h"
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/inotify.h>
#include <time.h>

static int signals(int most) {
  sigset_t set;
  int count = 0;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  while (count < most && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0) count++;
  return count;
}

static int timers(int most) {
  timer_t timer;
  int count = 0;
  while (count < most && timer_create(CLOCK_MONOTONIC, NULL, &timer) == 0) count++;
  return count;
}

static int queues(int most) {
  struct mq_attr shape = {.mq_maxmsg = 10, .mq_msgsize = 1024};
  char name[32];
  int count = 0;
  for (; count < most; count++) {
    snprintf(name, sizeof name, "/souk-test-%d", count);
    if (mq_open(name, O_CREAT | O_RDWR, 0600, &shape) < 0) break;
    if (most == 1) mq_unlink(name);
  }
  return count;
}

static int watches(int most) {
  int count = 0;
  while (count < most && inotify_init() >= 0) count++;
  return count;
}

int main(int count, char **arguments) {
  int all = count > 1 && strcmp(arguments[1], "all") == 0, most = all ? 1 << 20 : 1;
  if (all) only_in_a_sandbox();
  int taken[] = {signals(most), timers(most), queues(most), watches(most)};
  if (!all) printf("signals %d, timers %d, queues %d, watches %d\n", taken[0], taken[1], taken[2], taken[3]);
  else puts("holding");
  fflush(stdout);
  char byte;
  while (all && read(0, &byte, 1) > 0) continue;
  return 0;
}
