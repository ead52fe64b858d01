/* Calls whose holes are many and whose users are few. Each would do no harm where it worked. */
#include "attack.h"
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <sys/syscall.h>
#include <time.h>

int main(void) {
  only_in_a_sandbox();
  struct io_uring_params ring = {0};
  report("io_uring_setup", syscall(SYS_io_uring_setup, 8, &ring));
  union bpf_attr map = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
  report("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, &map, sizeof map));
  struct perf_event_attr event = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1, .exclude_hv = 1};
  report("perf_event_open", syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
  report("userfaultfd", syscall(SYS_userfaultfd, 1));
  report("fanotify_init", syscall(SYS_fanotify_init, 0, O_RDONLY));
  report("add_key", syscall(SYS_add_key, "user", "souk", "x", 1, -3));
  report("request_key", syscall(SYS_request_key, "user", "souk", NULL, -3));
  report("keyctl", syscall(SYS_keyctl, 0, -3, 0));
  report("keyctl join", syscall(SYS_keyctl, 1, NULL));
  report("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
  report("init_module", syscall(SYS_init_module, "", 0, ""));
  report("finit_module", syscall(SYS_finit_module, 0, "", 0));
  report("delete_module", syscall(SYS_delete_module, "no-such-module", 0));
  report("reboot", syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL));
  report("swapon", syscall(SYS_swapon, "/tmp", 0));
  report("acct", syscall(SYS_acct, NULL));
  report("iopl", syscall(SYS_iopl, 3));
  report("ioperm", syscall(SYS_ioperm, 0x80, 1, 1));
  report("syslog", syscall(SYS_syslog, 10, NULL, 0));
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  report("clock_settime", clock_settime(CLOCK_REALTIME, &now));
  report("sethostname", sethostname("souk", 4));
  struct {
    unsigned bytes;
    int type;
    unsigned char handle[128];
  } handle = {.bytes = 128};
  int mount_id;
  syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &handle, &mount_id, 0);
  report("open_by_handle_at", syscall(SYS_open_by_handle_at, open("/", O_RDONLY), &handle, O_RDONLY));
  report("quotactl", syscall(SYS_quotactl, 0, NULL, 0, NULL));
  report("lookup_dcookie", syscall(SYS_lookup_dcookie, 0, NULL, 0));
  report("move_pages", syscall(SYS_move_pages, 1, 0, NULL, NULL, NULL, 0));
  report("vhangup", syscall(SYS_vhangup));
  return 0;
}
