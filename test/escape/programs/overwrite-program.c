/* Tries to write to the program that it runs and to those that started it, at once and by a way that it keeps. */
#include "attack.h"
#include <fcntl.h>

static void overwrite(const char *path) {
  char what[128], kept[64];
  snprintf(what, sizeof what, "write %s", path);
  report(what, open(path, O_WRONLY));
  snprintf(what, sizeof what, "truncate %s", path);
  report(what, open(path, O_WRONLY | O_TRUNC));
  int way = open(path, O_PATH);
  snprintf(kept, sizeof kept, "/proc/self/fd/%d", way);
  snprintf(what, sizeof what, "write %s by a descriptor", path);
  report(what, way < 0 ? -1 : open(kept, O_WRONLY));
}

int main(void) {
  only_in_a_sandbox();
  char own[256] = {0};
  overwrite("/proc/self/exe");
  overwrite("/proc/1/exe");
  if (readlink("/proc/self/exe", own, sizeof own - 1) <= 0) return 2;
  overwrite(own);
  return 0;
}
