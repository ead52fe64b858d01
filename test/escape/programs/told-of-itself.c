/* Says what its namespaces show it: names, ids, groups, interfaces, what is shared. */
#include "attack.h"
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>

/* How many lines of a file have `text` nowhere. */
static int lines_without(const char *path, const char *text) {
  char line[4096];
  int count = 0;
  FILE *file = fopen(path, "r");
  if (!file) return -1;
  while (fgets(line, sizeof line, file))
    if (!strstr(line, text)) count++;
  fclose(file);
  return count;
}

static void print_map(const char *what, const char *path) {
  unsigned inside, outside, count;
  FILE *file = fopen(path, "r");
  if (file && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3) printf("%s %u %u %u\n", what, inside, outside, count);
}

int main(void) {
  only_in_a_sandbox();
  struct utsname names;
  struct ifreq loopback = {.ifr_name = "lo"};
  int s = socket(AF_UNIX, SOCK_DGRAM, 0);
  if (uname(&names)) return 2;
  printf("host %s, domain %s\n", names.nodename, names.domainname);
  print_map("users", "/proc/self/uid_map");
  print_map("groups", "/proc/self/gid_map");
  printf("control groups above: %d\n", lines_without("/proc/self/cgroup", ":/\n"));
  /* Two lines are the heading. */
  printf("interfaces besides lo: %d\n", lines_without("/proc/self/net/dev", "lo:") - 2);
  printf("lo is %s\n", ioctl(s, SIOCGIFFLAGS, &loopback) == 0 && !(loopback.ifr_flags & IFF_UP) ? "down" : "UP");
  printf("routes: %d\n", lines_without("/proc/self/net/route", "Iface"));
  printf("sockets besides its own: %d\n", lines_without("/proc/self/net/unix", "Num") - 1);
  printf("segments: %d\n", lines_without("/proc/sysvipc/shm", "key"));
  printf("first of its session: %s\n", getsid(0) == getpid() && getpgrp() == getpid() ? "yes" : "NO");
  return 0;
}
