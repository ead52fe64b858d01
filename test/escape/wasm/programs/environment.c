/* Prints all of its environment. */
#include <stdio.h>

extern char **environ;

int main(void) {
  for (char **variable = environ; variable && *variable; variable++) puts(*variable);
  return 0;
}
