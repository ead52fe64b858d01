/* Writes into what /proc has of itself: memory past its protection, ids, and how the kernel is to treat it. */
#include "attack.h"
#include <fcntl.h>

int main(void) {
  static const char *const files[] = {
      "mem",        "clear_refs",  "uid_map",       "gid_map",       "projid_map",     "setgroups",     "loginuid",      "sessionid",
      "attr/current", "attr/exec", "attr/fscreate", "attr/keycreate", "coredump_filter", "timerslack_ns", "timens_offsets", "oom_adj",
      "oom_score_adj", "sched",    "autogroup",     "comm",          "limits",         "make-it-fail",  "fail-nth",      "latency",
  };
  only_in_a_sandbox();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    static const char *const whose[] = {"self", "1", "thread-self"};
    for (size_t who = 0; who < sizeof whose / sizeof *whose; who++) {
      char path[64];
      snprintf(path, sizeof path, "/proc/%s/%s", whose[who], files[i]);
      report(path, open(path, O_WRONLY));
    }
  }
  return 0;
}
