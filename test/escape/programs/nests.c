/* Nests what waits for other things, in rings and deeper than the kernel follows, and makes timers that never stop. */
#include "attack.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

static int add(int outer, int inner) {
  return epoll_ctl(outer, EPOLL_CTL_ADD, inner, &(struct epoll_event){.events = EPOLLIN | EPOLLET});
}

int main(void) {
  only_in_a_sandbox();
  int one = epoll_create1(0), other = epoll_create1(0), last = epoll_create1(0), depth = 0;
  report("itself", add(one, one));
  if (add(one, other)) return 2;
  report("ring", add(other, one));
  for (; depth < 40; depth++) {
    int outer = epoll_create1(0);
    if (outer < 0 || add(outer, last)) break;
    last = outer;
  }
  puts(depth < 40 ? "depth held" : "DEPTH NOT HELD");
  const struct itimerspec often = {{0, 1}, {0, 1}};
  for (int i = 0; i < 16; i++) {
    int timer = timerfd_create(CLOCK_MONOTONIC, 0), event = eventfd(0, EFD_SEMAPHORE);
    if (timer < 0 || event < 0) break;
    timerfd_settime(timer, 0, &often, NULL);
    add(other, timer);
    add(other, event);
    eventfd_write(event, ~1ULL - 1);
  }
  struct epoll_event events[64];
  for (int i = 0; i < 2000; i++) epoll_wait(one, events, 64, 0);
  return 0;
}
