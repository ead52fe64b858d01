/* Opens paths that lead out of the folder they are opened below; prints the error number of each. */
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

int main(void) {
  const char *paths[] = {"..", "../etc/passwd", "/etc/passwd", "tmp/../../etc/passwd", "tmp/../..", "./../.", "//etc//passwd", "tmp/../tmp/../.."};
  for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
    __wasi_fd_t fd;
    __wasi_errno_t error = __wasi_path_open(3, 1, paths[i], 0, ~0ULL, ~0ULL, 0, &fd);
    printf("%s %d\n", paths[i], error);
  }
  return 0;
}
