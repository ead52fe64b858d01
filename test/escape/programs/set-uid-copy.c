/* Copies itself into a folder where it may write, with the set-user-id bit and all, and tries to run it as another user. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc > 2) {
    printf("ran as %s\n", getuid() == geteuid() && geteuid() != 0 ? "itself" : "ANOTHER USER");
    return 0;
  }
  if (argc < 2) return 2;
  char copy[256], block[65536];
  snprintf(copy, sizeof copy, "%s/copy", argv[1]);
  int from = open("/proc/self/exe", O_RDONLY), to = open(copy, O_CREAT | O_WRONLY, 0755);
  if (from < 0 || to < 0) return 3;
  for (ssize_t count; (count = read(from, block, sizeof block)) > 0;)
    if (write(to, block, count) != count) return 4;
  close(to);
  puts(chown(copy, 0, 0) == 0 ? "OWNED BY ROOT" : "not owned by root");
  chmod(copy, 06755);
  if (fork() == 0) {
    execl(copy, copy, argv[1], "again", NULL);
    puts("ran as itself");
    fflush(stdout);
    _exit(0);
  }
  wait(NULL);
  return 0;
}
