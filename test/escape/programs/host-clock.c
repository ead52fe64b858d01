/* Sets clocks and names that all of the host goes by, to what they are. */
#include "attack.h"
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <time.h>

int main(void) {
  only_in_a_sandbox();
  struct timeval now;
  struct timespec precise;
  gettimeofday(&now, NULL);
  clock_gettime(CLOCK_REALTIME, &precise);
  struct timex tune = {.modes = ADJ_FREQUENCY}, read_only = {0};
  report("settimeofday", settimeofday(&now, NULL));
  report("time zone", settimeofday(NULL, &(struct timezone){0}));
  report("clock_settime", clock_settime(CLOCK_REALTIME, &precise));
  report("monotonic", clock_settime(CLOCK_MONOTONIC, &precise));
  report("adjtimex", adjtimex(&tune));
  report("adjtimex, reading", adjtimex(&read_only));
  report("clock_adjtime", clock_adjtime(CLOCK_REALTIME, &tune));
  report("alarm that wakes the host", timer_create(CLOCK_REALTIME_ALARM, NULL, &(timer_t){0}));
  report("sethostname", sethostname("souk", 4));
  report("setdomainname", setdomainname("souk", 4));
  report("kernel’s log", syscall(SYS_syslog, 3, NULL, 0));
  report("console level", syscall(SYS_syslog, 8, NULL, 4));
  return 0;
}
