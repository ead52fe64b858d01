/* Tries to make links out of its folders, and to move the folder of its inputs away. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void report(const char *what, int result) { printf("%s %s\n", what, result < 0 ? "refused" : "DONE"); }

int main(void) {
  char target[64];
  report("symlink", symlink("/etc", "/tmp/etc"));
  report("open up", (symlink("../..", "/tmp/up"), open("/tmp/up/etc/passwd", O_RDONLY)));
  report("open symlink", open("/tmp/etc/passwd", O_RDONLY));
  report("link", link("/in/book.txt", "/tmp/book.txt"));
  report("readlink", (int)readlink("/in/book.txt", target, sizeof target));
  report("rename folder", rename("/in", "/tmp/in"));
  report("remove folder", rmdir("/in"));
  report("make beside", open("/in/other.txt", O_CREAT | O_WRONLY, 0644));
  report("folder beside", mkdir("/in/folder", 0755));
  report("rename onto", (creat("/tmp/new", 0644), rename("/tmp/new", "/in/book.txt")));
  report("truncate", truncate("/in/book.txt", 0));
  return 0;
}
