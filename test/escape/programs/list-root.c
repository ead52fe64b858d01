/* Lists what lies in its root and in /dev, with what it is; devices by their numbers. */
#include "attack.h"
#include <dirent.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static int is_shown(const struct dirent *entry) { return strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."); }

static void list(const char *folder) {
  struct dirent **entries;
  int count = scandir(folder, &entries, is_shown, alphasort);
  for (int i = 0; i < count; i++) {
    char path[512];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", strcmp(folder, "/") ? folder : "", entries[i]->d_name);
    if (lstat(path, &status)) continue;
    if (S_ISCHR(status.st_mode)) printf("%s device %u:%u\n", path, major(status.st_rdev), minor(status.st_rdev));
    else printf("%s %s\n", path, S_ISDIR(status.st_mode) ? "folder" : S_ISLNK(status.st_mode) ? "link" : S_ISREG(status.st_mode) ? "file" : "OTHER");
  }
}

int main(void) {
  only_in_a_sandbox();
  list("/");
  list("/dev");
  return 0;
}
