/* Asks the kernel to treat it otherwise: its memory, its personality, its core, its filter, its processor. */
#include "attack.h"
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

int main(void) {
  only_in_a_sandbox();
  struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct sock_fprog program = {1, all};
  report("break", prctl(PR_SET_MM, PR_SET_MM_START_BRK, 4096, 0, 0));
  report("executable", prctl(PR_SET_MM, PR_SET_MM_EXE_FILE, 0, 0, 0));
  report("bounding set", prctl(PR_CAPBSET_DROP, 64, 0, 0, 0));
  report("ambient", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 0, 0, 0));
  report("secure bits", prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
  report("keep capabilities", prctl(PR_SET_KEEPCAPS, 2, 0, 0, 0));
  report("new privileges", prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  report("filter", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
  report("filter by its own call", syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
  report("a share of a core", prctl(62, 1, 0, 0, 0));
  report("memory of others", prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0));
  report("no random addresses", personality(ADDR_NO_RANDOMIZE));
  report("readable is executable", personality(READ_IMPLIES_EXEC));
  report("32 bits", personality(PER_LINUX32));
  report("page zero", personality(MMAP_PAGE_ZERO));
#ifdef __x86_64__
  report("ports", syscall(SYS_iopl, 3));
  report("descriptor table", syscall(SYS_modify_ldt, 0, NULL, 0));
#endif
  return 0;
}
