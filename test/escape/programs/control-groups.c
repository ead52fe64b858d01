/* Tries to lift its limits in the control groups, to leave them, and to be told of their end. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(void) {
  static const char *const controllers[] = {"memory", "pids", "cpu", "devices", "freezer", "unified", "systemd", "."};
  static const char *const files[] = {"release_agent",     "notify_on_release", "tasks",       "cgroup.procs",
                                      "memory.limit_in_bytes", "memory.max",    "pids.max",    "cpu.cfs_quota_us",
                                      "devices.allow",     "freezer.state",     "cgroup.kill", "cgroup.subtree_control"};
  only_in_a_sandbox();
  int lifted = 0;
  for (size_t c = 0; c < sizeof controllers / sizeof *controllers; c++) {
    char path[256];
    snprintf(path, sizeof path, "/sys/fs/cgroup/%s/mine", controllers[c]);
    if (mkdir(path, 0755) == 0) {
      lifted++;
      printf("MADE %s\n", path);
    }
    for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
      snprintf(path, sizeof path, "/sys/fs/cgroup/%s/%s", controllers[c], files[f]);
      int file = open(path, O_WRONLY);
      if (file < 0) continue;
      lifted++;
      printf("OPENED %s\n", path);
      close(file);
    }
  }
  if (!lifted) puts("nothing");
  return 0;
}
