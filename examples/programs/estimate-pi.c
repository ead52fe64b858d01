/*
 * Throws random points at a square, and estimates pi from how many fall into the circle in it.
 *
 *   estimate-pi POINTS
 *
 * Prints the estimate and the time of day, and leaves the estimate in /out/estimate.json where there is such a folder. In a
 * deterministic task all of that is the same in every run, for points and time come from the task itself.
 */
#define _GNU_SOURCE /* getentropy */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 64 };

/** Random numbers in [0, 1), of 32 bits each, from the system. */
static double next_random(void) {
  static uint32_t block[BLOCK];
  static size_t left;
  if (left == 0) {
    if (getentropy(block, sizeof block) != 0) {
      perror("getentropy");
      exit(EXIT_FAILURE);
    }
    left = BLOCK;
  }
  return block[--left] / 4294967296.0;
}

int main(int argc, char **argv) {
  const long points = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
  if (points < 1) {
    fputs("usage: estimate-pi POINTS\n", stderr);
    return 2;
  }
  long inside = 0;
  for (long point = 0; point < points; point++) {
    const double x = next_random(), y = next_random();
    if (x * x + y * y < 1) inside++;
  }
  const double pi = 4.0 * (double)inside / (double)points;
  char date[32];
  const time_t now = time(NULL);
  strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
  printf("pi is about %.6f, says %s\n", pi, date);

  FILE *file = fopen("/out/estimate.json", "w");
  if (file == NULL) return 0;
  fprintf(file, "{\"points\": %ld, \"inside\": %ld, \"pi\": %.17g}\n", points, inside, pi);
  return fclose(file) == 0 ? 0 : 1;
}
