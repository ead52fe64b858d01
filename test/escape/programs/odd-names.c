/* Leaves results under names that a program on the way could mistake for something else. */
#include "attack.h"
#include <fcntl.h>

int main(int argc, char **argv) {
  static const char *const names[] = {"...",      "..x",   "-rf",       "a\nb",       "a\rb",      "\x1b[2J",  "a b",     "%s%n",  "back\\slash",
                                      "\xff\xfe", "$(id)", "*",         "\xe2\x80\xae" "exe", "\xc3\xa9", "e\xcc\x81", "con.txt", ".hidden", "__proto__"};
  only_in_a_sandbox();
  if (argc < 2 || chdir(argv[1])) return 2;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (close(open(names[i], O_CREAT | O_WRONLY, 0644))) return 3;
  char name[257];
  memset(name, 'n', 256);
  name[256] = '\0';
  report("256 bytes", open(name, O_CREAT | O_WRONLY, 0644));
  name[255] = '\0';
  report("255 bytes", close(open(name, O_CREAT | O_WRONLY, 0644)));
  return 0;
}
