/* Closes, moves and runs out of descriptors, those included that it was given. */
#include "raw.h"

int main(void) {
  int32_t fd = -1, last = -1, answer = 0, count = 0;
  while ((answer = raw_open(ROOT, 0, LENGTH("tmp"), FOLDER, READ, READ, 0, &fd)) == 0) last = fd, count++;
  say("opened", count);
  say("one too many", answer);
  say("one too many that would be new", raw_open(ROOT, 0, LENGTH("tmp/new"), CREATE, WRITE, 0, 0, &fd));
  __wasi_filestat_t seen;
  say("is not made either", raw_stat(ROOT, 0, LENGTH("tmp/new"), &seen));
  say("close one twice", __wasi_fd_close(last) * 100 + __wasi_fd_close(last));
  say("its number is the next", raw_open(ROOT, 0, LENGTH("tmp"), FOLDER, READ, READ, 0, &fd) || fd != last);
  say("move a folder over standard input", __wasi_fd_renumber(last, 0));
  say("standard input is a folder", opening(0, "x", CREATE, WRITE));
  say("move standard input to where nothing is", __wasi_fd_renumber(0, 5000));
  say("move onto a number below none", __wasi_fd_renumber(0, 0xffffffff));
  say("move standard error over what it was given", __wasi_fd_renumber(2, ROOT));
  say("nothing is found below a stream", opening(ROOT, "tmp", FOLDER, READ));
  say("nothing is what it was given any more", (__wasi_prestat_t){0}.tag + (__wasi_fd_prestat_get(ROOT, &(__wasi_prestat_t){0}) != 0));
  say("what moved is closed where it was", __wasi_fd_close(2));
  say("what it was given is closed", __wasi_fd_close(ROOT));
  say("twice", __wasi_fd_close(ROOT));
  for (int32_t number = 4; number < 5000; number++) (void)!__wasi_fd_close(number);
  say("nothing is left to open by", opening(4, "tmp", FOLDER, READ));
  fflush(stdout);
  say("move standard output onto itself", __wasi_fd_renumber(1, 1));
  fflush(stdout);
  (void)!__wasi_fd_close(1);
  return writing(1, "never seen\n") == 8 ? 0 : 1;
}
