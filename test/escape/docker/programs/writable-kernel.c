/* Walks through all that the kernel shows as files but what is below /proc/PID, and names what it may write to. */
#include "../../programs/attack.h"
#include <ftw.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int look(const char *path, const struct stat *status, int kind, struct FTW *place) {
  (void)place;
  /* Its own processes' files concern nobody else. */
  if (!strncmp(path, "/proc/", 6) && path[6] >= '0' && path[6] <= '9') return FTW_SKIP_SUBTREE;
  if (!strcmp(path, "/proc/self") || !strcmp(path, "/proc/thread-self")) return FTW_SKIP_SUBTREE;
  if (!strcmp(path, "/dev/shm")) return FTW_SKIP_SUBTREE;
  /* Whether it may be read is one thing, and what comes of opening it another: nothing is opened. */
  /* What an engine hides it covers with /dev/null. */
  if (!strncmp(path, "/proc/", 6) && S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3)) return FTW_CONTINUE;
  if (kind != FTW_SL && !S_ISLNK(status->st_mode) && access(path, W_OK) == 0) printf("%s\n", path);
  return FTW_CONTINUE;
}

int main(void) {
  only_in_a_sandbox();
  static const char *const roots[] = {"/proc", "/sys", "/dev"};
  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
    if (nftw(roots[i], look, 8, FTW_PHYS | FTW_ACTIONRETVAL) < 0) return 2;
  return 0;
}
