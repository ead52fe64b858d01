/* Starts threads until that fails. */
#include "attack.h"
#include <pthread.h>

static void *wait_for_ever(void *unused) {
  for (;;) pause();
  return unused;
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2) return 2;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  int started = 0, error = 0;
  for (pthread_t thread; started < 10000 && !error;)
    if (!(error = pthread_create(&thread, &small, wait_for_ever, NULL))) started++;
  puts(error == EAGAIN && started < atoi(argv[1]) ? "held" : "NOT HELD");
  return 0;
}
