/*
 * Counts the primes below a number with the sieve of Eratosthenes, and says the greatest: something to compute.
 *
 *   primes [BELOW]        one million where it is not said
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  long below = argc > 1 ? atol(argv[1]) : 1000000;
  if (below < 3 || below > 1000000000) {
    fputs("primes: the number is between 3 and 1000000000\n", stderr);
    return 2;
  }
  unsigned char *composite = calloc(below, 1);
  if (!composite) {
    fputs("primes: not enough memory\n", stderr);
    return 1;
  }
  long count = 0, greatest = 0;
  for (long n = 2; n < below; n++) {
    if (composite[n]) continue;
    count++;
    greatest = n;
    for (long long multiple = (long long)n * n; multiple < below; multiple += n) composite[multiple] = 1;
  }
  printf("%ld primes below %ld, the greatest is %ld\n", count, below, greatest);
  return 0;
}
