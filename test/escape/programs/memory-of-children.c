/* Spreads memory over children, each of which stays below the limit; itself it only waits for them to end. */
#include "attack.h"
#include <sys/wait.h>

enum { CHILDREN = 8, EACH = 16 << 20 };

/* Kept where others could see it, so that the compiler cannot do without it. */
char *volatile block;

int main(void) {
  only_in_a_sandbox();
  puts("started");
  for (int i = 0; i < CHILDREN; i++)
    if (fork() == 0) {
      block = malloc(EACH);
      if (block) memset(block, 1, EACH);
      for (;;) pause();
    }
  while (wait(NULL) > 0) continue;
  puts("the children are gone and I am not");
  for (;;) pause();
}
