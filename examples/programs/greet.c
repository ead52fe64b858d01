/*
 * Greets whom its arguments name, in the words of the environment variable GREETING.
 *
 *   greet [NAME ...]
 */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  const char *greeting = getenv("GREETING");
  if (!greeting) greeting = "Hello";
  if (argc < 2) printf("%s, stranger!\n", greeting);
  for (int i = 1; i < argc; i++) printf("%s, %s!\n", greeting, argv[i]);
  return 0;
}
