/* Asks the file system for what it should not give, and says what it answered. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wasi/api.h>

static void say(const char *what, int error) { printf("%s %d\n", what, error); }
static int created(int folder, const char *path) {
  int file = openat(folder, path, O_CREAT | O_RDWR, 0644);
  if (file < 0) return errno;
  close(file);
  return 0;
}

int main(void) {
  int folder = open("/tmp", O_RDONLY | O_DIRECTORY);
  int file = openat(folder, "file", O_CREAT | O_RDWR, 0644);
  uint64_t at;
  __wasi_size_t moved;
  say("set size 2^63", __wasi_fd_filestat_set_size(file, UINT64_C(1) << 63));
  say("set size 2^53", __wasi_fd_filestat_set_size(file, UINT64_C(1) << 53));
  say("allocate from 2^52 to 2^53", __wasi_fd_allocate(file, UINT64_C(1) << 52, UINT64_C(1) << 52));
  say("allocate a terabyte", __wasi_fd_allocate(file, 0, UINT64_C(1) << 40));
  say("seek before the start", __wasi_fd_seek(file, -1, __WASI_WHENCE_SET, &at));
  say("seek to 2^53", __wasi_fd_seek(file, INT64_C(1) << 53, __WASI_WHENCE_SET, &at));
  say("seek to 2^53 - 1", __wasi_fd_seek(file, (INT64_C(1) << 53) - 1, __WASI_WHENCE_SET, &at));
  __wasi_ciovec_t byte = {.buf = (const uint8_t *)"x", .buf_len = 1};
  say("write at 2^53 - 1", __wasi_fd_write(file, &byte, 1, &moved));
  say("write at a terabyte", __wasi_fd_pwrite(file, &byte, 1, UINT64_C(1) << 40, &moved));
  say("write where there is room", __wasi_fd_pwrite(file, &byte, 1, 1000, &moved));
  say("__proto__", created(folder, "__proto__"));
  say("constructor", created(folder, "constructor"));
  say("no name", created(folder, ""));
  say("dots", created(folder, ".."));
  mkdirat(folder, "d", 0755);
  say("into itself", renameat(folder, "d", folder, "d/e") ? errno : 0);
  say("below itself", renameat(folder, "d", folder, "d/../d/e/f") ? errno : 0);
  say("onto its folder", renameat(folder, "d", folder, "d/..") ? errno : 0);
  uint8_t entries[64];
  say("cookie of 2^64 - 1", __wasi_fd_readdir(folder, entries, sizeof entries, UINT64_MAX, &moved));
  say("entries from there", (int)moved);
  say("renumber to itself", __wasi_fd_renumber(file, file));
  say("renumber to what is not open", __wasi_fd_renumber(file, 1000));
  say("renumber onto the folder", __wasi_fd_renumber(file, folder));
  struct stat seen;
  say("the file is the folder's number now", fstat(folder, &seen) || !S_ISREG(seen.st_mode));
  say("and its old one is closed", __wasi_fd_close(file));
  return 0;
}
