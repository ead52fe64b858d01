/* Leaves results whose names would confuse whoever prints or stores them. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  const char *names[] = {"/out/a\nb", "/out/\033[2J", "/out/ok", "/out/back\\slash", "/out/~"};
  for (unsigned i = 0; i < sizeof names / sizeof *names; i++) close(creat(names[i], 0644));
  return creat("/out/\xff\xfe", 0644) < 0 ? 0 : 1;
}
