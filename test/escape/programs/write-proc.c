/* Opens for writing what would change the kernel. Where that works it writes what is there already, or what does nothing. */
#include "attack.h"
#include <fcntl.h>

int main(void) {
  static const char *const files[] = {
      "/proc/sysrq-trigger",          "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/hostname",
      "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/file-max",         "/proc/sys/fs/binfmt_misc/register",
      "/proc/sys/net/ipv4/ip_forward", "/proc/irq/default_smp_affinity", "/proc/bus/pci/devices",   "/sys/kernel/uevent_helper",
      "/sys/kernel/mm/ksm/run",       "/dev/kmsg",                    "/dev/mem",
  };
  only_in_a_sandbox();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    int file = open(files[i], O_WRONLY);
    report(files[i], file);
    if (file >= 0) close(file);
  }
  return 0;
}
