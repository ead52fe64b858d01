/* Ignores what asks it to stop, and uses the CPU in several threads. */
#include "attack.h"
#include <pthread.h>
#include <signal.h>

static void *spin(void *unused) {
  for (volatile unsigned i = 0;; i++) {
  }
  return unused;
}

int main(void) {
  only_in_a_sandbox();
  signal(SIGXCPU, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  puts("started");
  pthread_t thread;
  for (int i = 0; i < 3; i++) pthread_create(&thread, NULL, spin, NULL);
  spin(NULL);
}
