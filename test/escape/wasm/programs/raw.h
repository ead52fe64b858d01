/* Calls of preview 1 as they are: libc would measure paths, and look them up among its folders, before it calls. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wasi/api.h>

#define RAW(call) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#call)))
int32_t raw_open(int32_t, int32_t, const char *, uint32_t, int32_t, int64_t, int64_t, int32_t, int32_t *) RAW(path_open);
int32_t raw_mkdir(int32_t, const char *, uint32_t) RAW(path_create_directory);
int32_t raw_rmdir(int32_t, const char *, uint32_t) RAW(path_remove_directory);
int32_t raw_unlink(int32_t, const char *, uint32_t) RAW(path_unlink_file);
int32_t raw_rename(int32_t, const char *, uint32_t, int32_t, const char *, uint32_t) RAW(path_rename);
int32_t raw_link(int32_t, int32_t, const char *, uint32_t, int32_t, const char *, uint32_t) RAW(path_link);
int32_t raw_symlink(const char *, uint32_t, int32_t, const char *, uint32_t) RAW(path_symlink);
int32_t raw_readlink(int32_t, const char *, uint32_t, char *, uint32_t, uint32_t *) RAW(path_readlink);
int32_t raw_stat(int32_t, int32_t, const char *, uint32_t, __wasi_filestat_t *) RAW(path_filestat_get);
int32_t raw_times(int32_t, int32_t, const char *, uint32_t, int64_t, int64_t, int32_t) RAW(path_filestat_set_times);

enum { ROOT = 3, CREATE = 1, FOLDER = 2, EXCLUSIVE = 4, TRUNCATE = 8, FOLLOW = 1 };
#define READ ((1 << 1) | (1 << 14))
#define WRITE (1 << 6)
#define ALL 0x1fffffff
/* Without fd_write, fd_allocate and fd_filestat_set_size, which no folder and no input is opened with. */
#define READING (ALL & ~(WRITE | (1 << 8) | (1 << 22)))
#define LENGTH(path) (path), (uint32_t)strlen(path)

static inline void say(const char *what, int32_t answer) { printf("%s %d\n", what, (int)answer); }
/* Opens with every right that there is for it; the descriptor, or -1. */
static inline int32_t opened(int32_t folder, const char *path, int32_t how) {
  int32_t fd = -1;
  return raw_open(folder, 0, LENGTH(path), how, how & FOLDER ? READING : ALL, ALL, 0, &fd) ? -1 : fd;
}
static inline int32_t opening(int32_t folder, const char *path, int32_t how, int64_t rights) {
  int32_t fd = -1;
  const int32_t answer = raw_open(folder, 0, LENGTH(path), how, rights, rights, 0, &fd);
  if (answer == 0) (void)!__wasi_fd_close(fd);
  return answer;
}
static inline int32_t writing(int32_t fd, const char *text) {
  const __wasi_ciovec_t part = {(const uint8_t *)text, (__wasi_size_t)strlen(text)};
  __wasi_size_t done;
  return __wasi_fd_write(fd, &part, 1, &done);
}
