/* Starts processes that end at once and are never asked how, until there can be no more. */
#include "attack.h"

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2) return 2;
  int dead = 0;
  for (; dead < 10000; dead++) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child < 0) break;
  }
  puts(errno == EAGAIN && dead > 0 && dead < atoi(argv[1]) ? "held" : "NOT HELD");
  return 0;
}
