/* Tries to get namespaces of its own, where it would be root, and into those of others. */
#include "attack.h"
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void try_clone(const char *what, int flags) {
  long child = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);
  if (child == 0) _exit(0);
  report(what, child);
}

static void try_clone3(const char *what, unsigned long long flags) {
  struct clone_args args = {.flags = flags, .exit_signal = SIGCHLD};
  long child = syscall(SYS_clone3, &args, sizeof args);
  if (child == 0) _exit(0);
  report(what, child);
}

static void try_setns(const char *path) {
  int file = open(path, O_RDONLY);
  report(path, file < 0 ? -1 : setns(file, 0));
}

int main(void) {
  only_in_a_sandbox();
  try_clone("clone user", CLONE_NEWUSER);
  try_clone("clone user and all", CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET);
  try_clone3("clone3 user", CLONE_NEWUSER);
  try_clone3("clone3 mounts", CLONE_NEWNS);
  report("unshare user", unshare(CLONE_NEWUSER));
  report("unshare mounts", unshare(CLONE_NEWNS));
  report("unshare pids", unshare(CLONE_NEWPID));
  report("unshare network", unshare(CLONE_NEWNET));
  report("unshare time", unshare(0x80));
  report("unshare System V", unshare(CLONE_NEWIPC));
  report("unshare names", unshare(CLONE_NEWUTS));
  report("unshare groups", unshare(CLONE_NEWCGROUP));
  for (unsigned long long flag = 1ULL << 7; flag < 1ULL << 36; flag <<= 1) {
    char what[32];
    snprintf(what, sizeof what, "clone3 %llx", flag);
    try_clone3(what, flag);
  }
  try_setns("/proc/1/ns/mnt");
  try_setns("/proc/1/ns/user");
  try_setns("/proc/self/ns/user");
  try_setns("/proc/self/ns/net");
  try_setns("/proc/self/ns/pid_for_children");
  try_setns("/proc/self/ns/time_for_children");
  try_setns("/proc/self/ns/cgroup");
  return 0;
}
