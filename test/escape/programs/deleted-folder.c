/* Removes the folder that it is in, and looks where that leads. */
#include "attack.h"
#include <fcntl.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc < 2 || chdir(argv[1]) || mkdir("d", 0755) || mkdir("d/e", 0755) || chdir("d/e")) return 2;
  char path[4096];
  if (rmdir("../e") || rmdir("../../d")) return 3;
  report("where", getcwd(path, sizeof path) ? 0 : -1);
  report("file", open("file", O_CREAT | O_WRONLY, 0644));
  report("folder", mkdir("folder", 0755));
  struct stat here, root;
  for (int level = 0; level < 16; level++)
    if (chdir("..")) break;
  puts(stat(".", &here) == 0 && stat("/", &root) == 0 && here.st_ino == root.st_ino && here.st_dev == root.st_dev ? "its own root" : "ELSEWHERE");
  return 0;
}
