/* Runs a copy of itself that lies in memory only and cannot be changed any more; says what it is there. */
#include "attack.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

extern char **environ;

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc > 1) {
    int ordinary = getuid() == geteuid() && geteuid() != 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    report("overwrite itself", open("/proc/self/exe", O_WRONLY));
    report("mount", syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
    puts(ordinary ? "ran as itself" : "RAN AS ANOTHER");
    return 0;
  }
  static char block[65536];
  int from = open("/proc/self/exe", O_RDONLY), memory = memfd_create("program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  for (ssize_t count; (count = read(from, block, sizeof block)) > 0;)
    if (write(memory, block, count) != count) return 3;
  fchmod(memory, 06755);
  fcntl(memory, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  char *const arguments[] = {argv[0], "again", NULL};
  fexecve(memory, arguments, environ);
  return 4;
}
