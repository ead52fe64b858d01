/* Uses descriptors that it does not have, and those that it has for what they are not. */
#include <stdio.h>
#include <wasi/api.h>

static int worked;

static void refused(__wasi_errno_t error) {
  if (error == 0) worked++;
}

int main(void) {
  const __wasi_fd_t descriptors[] = {99, 0x7fffffff, 0x80000000, 0xffffffff};
  __wasi_fdstat_t fdstat;
  __wasi_filestat_t filestat;
  __wasi_prestat_t prestat;
  __wasi_filesize_t offset;
  __wasi_size_t size;
  __wasi_fd_t fd;
  uint8_t byte[64] = {0};
  __wasi_ciovec_t out = {byte, 1};
  __wasi_iovec_t in = {byte, 1};
  for (unsigned i = 0; i < 4; i++) {
    const __wasi_fd_t bad = descriptors[i];
    refused(__wasi_fd_close(bad));
    refused(__wasi_fd_fdstat_get(bad, &fdstat));
    refused(__wasi_fd_filestat_get(bad, &filestat));
    refused(__wasi_fd_prestat_get(bad, &prestat));
    refused(__wasi_fd_write(bad, &out, 1, &size));
    refused(__wasi_fd_read(bad, &in, 1, &size));
    refused(__wasi_fd_pread(bad, &in, 1, 0, &size));
    refused(__wasi_fd_seek(bad, 0, __WASI_WHENCE_SET, &offset));
    refused(__wasi_fd_renumber(bad, 1));
    refused(__wasi_fd_renumber(1, bad));
    refused(__wasi_fd_readdir(bad, byte, sizeof byte, 0, &size));
    refused(__wasi_path_open(bad, 0, "tmp", 0, 0, 0, 0, &fd));
    refused(__wasi_fd_allocate(bad, 0, 1));
    refused(__wasi_sock_shutdown(bad, 1));
  }
  refused(__wasi_fd_read(1, &in, 1, &size));
  refused(__wasi_fd_write(0, &out, 1, &size));
  refused(__wasi_fd_write(3, &out, 1, &size));
  refused(__wasi_fd_seek(1, 0, __WASI_WHENCE_SET, &offset));
  refused(__wasi_path_open(1, 0, "tmp", 0, 0, 0, 0, &fd));
  refused(__wasi_fd_filestat_set_size(1, 10));
  refused(__wasi_fd_close(3) || __wasi_fd_close(3));
  printf("%d calls worked\n", worked);
  return 0;
}
