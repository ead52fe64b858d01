/* Reads what tells of the host: each is to be missing, refused or empty. */
#include "attack.h"
#include <fcntl.h>

int main(void) {
  static const char *const files[] = {
      "/proc/kcore",      "/proc/keys",       "/proc/key-users",    "/proc/timer_list",  "/proc/interrupts",
      "/proc/sched_debug", "/proc/latency_stats", "/proc/kallsyms", "/proc/vmallocinfo", "/proc/slabinfo",
      "/proc/scsi/scsi",  "/proc/acpi/wakeup", "/proc/kpagecount", "/sys/firmware/dmi/tables/DMI", "/sys/kernel/debug/gpio",
      "/dev/kmsg",        "/dev/mem",         "/dev/sda",           "/dev/vda",
  };
  only_in_a_sandbox();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    char some[64];
    int file = open(files[i], O_RDONLY | O_NONBLOCK);
    ssize_t count = file < 0 ? -1 : read(file, some, sizeof some);
    /* The kernel shows addresses that are all zero to whoever may not know them. */
    int secret = count > 0 && strncmp(some, "0000000000000000", 16) != 0;
    printf("%s %s\n", files[i], secret ? "READ" : "hidden");
    if (file >= 0) close(file);
  }
  return 0;
}
