/* Sends the first process of its container every signal there is, in every way, and the one that it heeds without end. */
#include "../../programs/attack.h"
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

enum { THREADS = 4, FLOOD_MS = 500 };

static long elapsed_ms(const struct timespec *since) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void *flood(void *since) {
  while (elapsed_ms(since) < FLOOD_MS) {
    kill(1, SIGCHLD);
    sigqueue(1, SIGCHLD, (union sigval){.sival_int = 7});
  }
  return NULL;
}

int main(void) {
  only_in_a_sandbox();
  for (int number = 1; number <= SIGRTMAX; number++) {
    kill(1, number);
    sigqueue(1, number, (union sigval){.sival_int = number});
    syscall(SYS_tgkill, 1, 1, number);
  }
  struct timespec since;
  pthread_t threads[THREADS];
  clock_gettime(CLOCK_MONOTONIC, &since);
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&threads[i], NULL, flood, &since)) return 2;
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  puts("alive");
  return 5;
}
