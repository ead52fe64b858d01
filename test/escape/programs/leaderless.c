/* Ends its first thread, so that the process looks dead, and goes on in another. */
#include "attack.h"
#include <pthread.h>

static void *spin(void *unused) {
  for (volatile unsigned i = 0;; i++) {
  }
  return unused;
}

int main(void) {
  only_in_a_sandbox();
  puts("started");
  pthread_t thread;
  if (pthread_create(&thread, NULL, spin, NULL)) return 2;
  pthread_exit(NULL);
}
