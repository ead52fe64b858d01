/* Hands the host pointers and lengths that lie outside memory, or overlap; prints the error number of each call. */
#include <stdint.h>
#include <stdio.h>
#include <wasi/api.h>

/* libc measures a path before it hands it on, so this one is called as it is. */
int32_t raw_path_open(int32_t, int32_t, uint32_t, uint32_t, int32_t, int64_t, int64_t, int32_t, __wasi_fd_t *)
    __attribute__((import_module("wasi_snapshot_preview1"), import_name("path_open")));

static uint8_t *const beyond = (uint8_t *)0xfffffff0;

int main(void) {
  __wasi_size_t size;
  __wasi_fd_t fd;
  uint8_t byte = '.';
  __wasi_ciovec_t out = {beyond, 16};
  printf("write out of bounds %d\n", __wasi_fd_write(1, &out, 1, &size));
  out = (__wasi_ciovec_t){&byte, 0xffffffff};
  printf("write too much %d\n", __wasi_fd_write(1, &out, 1, &size));
  printf("write iovecs out of bounds %d\n", __wasi_fd_write(1, (__wasi_ciovec_t *)beyond, 8, &size));
  out = (__wasi_ciovec_t){&byte, 1};
  printf("write a billion iovecs %d\n", __wasi_fd_write(1, &out, 0x40000000, &size));
  printf("write, result out of bounds %d\n", __wasi_fd_write(1, &out, 1, (__wasi_size_t *)beyond));
  __wasi_iovec_t in = {beyond, 64};
  printf("read out of bounds %d\n", __wasi_fd_read(0, &in, 1, &size));
  uint8_t buffer[8] = "abcdefg";
  __wasi_ciovec_t overlapping[] = {{buffer, 7}, {buffer + 1, 6}, {(uint8_t *)"\n", 1}};
  printf("overlapping %d\n", (fflush(stdout), __wasi_fd_write(1, overlapping, 3, &size)));
  printf("random of 4 GB %d\n", __wasi_random_get(buffer, 0xffffffff));
  printf("random out of bounds %d\n", __wasi_random_get(beyond, 16));
  printf("path out of bounds %d\n", raw_path_open(3, 0, 0xfffffff0, 100, 0, 0, 0, 0, &fd));
  printf("clock out of bounds %d\n", __wasi_clock_time_get(0, 0, (__wasi_timestamp_t *)beyond));
  printf("unknown clock %d\n", __wasi_clock_time_get(77, 0, (__wasi_timestamp_t *)buffer));
  printf("args out of bounds %d\n", __wasi_args_get((uint8_t **)beyond, beyond));
  printf("env out of bounds %d\n", __wasi_environ_sizes_get(&size, (__wasi_size_t *)(beyond + 13)));
  printf("poll out of bounds %d\n", __wasi_poll_oneoff((__wasi_subscription_t *)beyond, (__wasi_event_t *)beyond, 1, &size));
  printf("poll nothing %d\n", __wasi_poll_oneoff((__wasi_subscription_t *)buffer, (__wasi_event_t *)buffer, 0, &size));
  printf("readdir out of bounds %d\n", __wasi_fd_readdir(3, beyond, 4096, 0, &size));
  return 0;
}
