/* Prints what could tell one machine, or one run, from another. */
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

int main(void) {
  uint8_t random[32];
  (void)!__wasi_random_get(random, sizeof random);
  for (unsigned i = 0; i < sizeof random; i++) printf("%02x", random[i]);
  uint64_t times[4], again, resolution;
  for (uint32_t clock = 0; clock < 4; clock++) (void)!__wasi_clock_time_get(clock, 0, &times[clock]);
  (void)!__wasi_clock_res_get(1, &resolution);
  printf("\nwall %llu\n", (unsigned long long)times[0]);
  printf("others %llu %llu %llu\n", (unsigned long long)times[1], (unsigned long long)times[2], (unsigned long long)times[3]);
  /* Work that takes as long as it takes. */
  volatile unsigned sum = 0;
  for (unsigned i = 0; i < 20000000; i++) sum += i;
  (void)!__wasi_clock_time_get(2, 0, &again);
  printf("working took %llu of %llu\n", (unsigned long long)(again - times[3]), (unsigned long long)resolution);
  volatile double zero = 0;
  double nan = zero / zero;
  uint64_t bits;
  memcpy(&bits, &nan, sizeof bits);
  printf("no number %llx\n", (unsigned long long)bits);
  return 0;
}
