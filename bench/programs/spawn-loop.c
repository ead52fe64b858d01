/*
 * The floor for starting a program: posix_spawn and waitpid, from a small process, timed here.
 *
 *   spawn-loop PROGRAM [ARGUMENT ...]
 *
 * For every byte on standard input it starts PROGRAM once, waits for its end and writes the nanoseconds that this
 * took, one line; it ends at the end of its input. PROGRAM is looked for in PATH, and gets no environment.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: spawn-loop PROGRAM [ARGUMENT ...]\n");
    return 2;
  }
  char *const child_env[] = {NULL};
  char byte;
  ssize_t got;
  while ((got = read(STDIN_FILENO, &byte, 1)) == 1 || (got < 0 && errno == EINTR)) {
    if (got < 0) continue;
    const int64_t start_ns = now_ns();
    pid_t pid;
    const int error = posix_spawnp(&pid, argv[1], NULL, NULL, argv + 1, child_env);
    if (error != 0) {
      fprintf(stderr, "spawn-loop: %s: %s\n", argv[1], strerror(error));
      return 1;
    }
    int status;
    while (waitpid(pid, &status, 0) < 0) {
      if (errno == EINTR) continue;
      perror("spawn-loop: waitpid");
      return 1;
    }
    const int64_t end_ns = now_ns();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      fprintf(stderr, "spawn-loop: %s ended with status %d\n", argv[1], status);
      return 1;
    }
    printf("%" PRId64 "\n", end_ns - start_ns);
    fflush(stdout);
  }
  return 0;
}
