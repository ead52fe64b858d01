/* Sizes and offsets at the edges of what 64 bits, 53 bits and a file hold. */
#include "raw.h"

static int32_t at(int32_t fd, uint64_t offset, int writes) {
  uint8_t byte = 'x';
  __wasi_size_t done = 0;
  const __wasi_ciovec_t out = {&byte, 1};
  const __wasi_iovec_t in = {&byte, 1};
  const int32_t answer = writes ? __wasi_fd_pwrite(fd, &out, 1, offset, &done) : __wasi_fd_pread(fd, &in, 1, offset, &done);
  return answer ? answer : -(int32_t)done;
}

int main(void) {
  const int32_t fd = opened(ROOT, "tmp/file", CREATE);
  uint64_t where;
  say("write", writing(fd, "abc"));
  say("read at -1", at(fd, ~0ULL, 0));
  say("read at -2^63", at(fd, 1ULL << 63, 0));
  say("read at 2^53", at(fd, 1ULL << 53, 0));
  say("read far behind the end", at(fd, (1ULL << 53) - 1, 0));
  say("write at -1", at(fd, ~0ULL, 1));
  say("write at 2^63 - 1", at(fd, (1ULL << 63) - 1, 1));
  say("write at 2^53", at(fd, 1ULL << 53, 1));
  say("write at 2^40", at(fd, 1ULL << 40, 1));
  say("write at 2^32 + 1", at(fd, (1ULL << 32) + 1, 1));
  say("seek by 2^63 - 1 from the end", __wasi_fd_seek(fd, INT64_MAX, 2, &where));
  say("seek by -2^63 from the end", __wasi_fd_seek(fd, INT64_MIN, 2, &where));
  say("seek by -4 from the end", __wasi_fd_seek(fd, -4, 2, &where));
  say("seek by 2^53 - 4 from the end", __wasi_fd_seek(fd, (INT64_C(1) << 53) - 4, 2, &where));
  say("seek by one more", __wasi_fd_seek(fd, 1, 1, &where));
  say("and write there", writing(fd, "x"));
  say("size of -1", __wasi_fd_filestat_set_size(fd, ~0ULL));
  say("size of 2^63", __wasi_fd_filestat_set_size(fd, 1ULL << 63));
  say("size of 2^53", __wasi_fd_filestat_set_size(fd, 1ULL << 53));
  say("size of 2^53 - 1", __wasi_fd_filestat_set_size(fd, (1ULL << 53) - 1));
  say("size of a terabyte", __wasi_fd_filestat_set_size(fd, 1ULL << 40));
  say("room that wraps to nothing", __wasi_fd_allocate(fd, 1ULL << 63, 1ULL << 63));
  say("room that ends at 2^64", __wasi_fd_allocate(fd, ~0ULL, 1));
  say("room of a terabyte", __wasi_fd_allocate(fd, 0, 1ULL << 40));
  say("advice about all there is", __wasi_fd_advise(fd, ~0ULL, ~0ULL, 0));
  __wasi_filestat_t seen;
  say("its size at the end", __wasi_fd_filestat_get(fd, &seen) ? -1 : (int32_t)seen.size);
  say("times before the epoch and after the end", __wasi_fd_filestat_set_times(fd, ~0ULL, 1ULL << 63, 5));
  say("as they were set", __wasi_fd_filestat_get(fd, &seen) || seen.atim != ~0ULL || seen.mtim != 1ULL << 63);
  return 0;
}
