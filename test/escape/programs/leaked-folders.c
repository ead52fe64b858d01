/* Looks for a folder beyond its root: above where it is, and by every descriptor that somebody could have left open. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>

static struct stat root;

static int is_elsewhere(void) {
  struct stat here;
  return stat(".", &here) == 0 && (here.st_dev != root.st_dev || here.st_ino != root.st_ino);
}

int main(void) {
  only_in_a_sandbox();
  char where[4096] = "";
  int found = 0;
  if (stat("/", &root) || !getcwd(where, sizeof where)) return 2;
  for (int level = 0; level < 64; level++)
    if (chdir("..")) return 3;
  if (is_elsewhere()) return 4;
  for (int descriptor = 0; descriptor < 4096; descriptor++) {
    static const char *const ways[] = {"/proc/self/fd/%d", "/proc/self/fd/%d/..", "/dev/fd/%d", "/proc/1/fd/%d", "/proc/thread-self/fd/%d/../.."};
    for (size_t way = 0; way < sizeof ways / sizeof *ways; way++) {
      char path[64];
      snprintf(path, sizeof path, ways[way], descriptor);
      if (chdir(path)) continue;
      found++;
      printf("ENTERED %s\n", path);
    }
    int above = openat(descriptor, "..", O_PATH);
    if (above >= 0) {
      found++;
      printf("OPENED above %d\n", descriptor);
      close(above);
    }
  }
  printf("in %s, %s\n", where, found ? "AND ELSEWHERE" : "and nowhere else");
  return 0;
}
