/* Tries to become somebody, and says what it is: identity, capabilities, and the filter on its calls. */
#include "attack.h"
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void print_status(void) {
  static const char *const wanted[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp:", "Groups"};
  char line[256];
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status))
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
      if (!strncmp(line, wanted[i], strlen(wanted[i]))) fputs(line, stdout);
}

int main(void) {
  only_in_a_sandbox();
  printf("root: %s\n", getuid() == 0 || geteuid() == 0 || getgid() == 0 || getegid() == 0 ? "YES" : "no");
  print_status();
  report("setuid", setuid(0));
  report("setgid", setgid(0));
  report("setresuid", setresuid(0, 0, 0));
  report("setgroups", setgroups(1, &(gid_t){0}));
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
  report("capset", syscall(SYS_capset, &header, all));
  report("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 21, 0, 0));
  report("new privileges", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  report("give away", chown("/tmp", 0, 0));
  return 0;
}
