/* Tries to change inputs, the folders that hold them and those that the task was given, by every call there is. */
#include "raw.h"

int main(void) {
  const int32_t in = opened(ROOT, "in", FOLDER);
  int32_t book;
  if (raw_open(in, 0, LENGTH("book.txt"), 0, READING, 0, 0, &book)) return 1;
  say("open to write", opening(in, "book.txt", 0, READ | WRITE));
  say("open to cut", opening(in, "book.txt", TRUNCATE, READ));
  say("open it once more as new", opening(in, "book.txt", CREATE | EXCLUSIVE, READ));
  say("make beside", opening(in, "other", CREATE, READ));
  say("make below what is no folder", opening(in, "book.txt/x", CREATE, READ));
  say("make a folder beside", raw_mkdir(in, LENGTH("folder")));
  say("make a folder below it", raw_mkdir(in, LENGTH("deep/folder")));
  say("remove it", raw_unlink(in, LENGTH("book.txt")));
  say("remove its folder", raw_rmdir(ROOT, LENGTH("in")));
  say("remove a folder below", raw_rmdir(in, LENGTH("deep")));
  say("move it out", raw_rename(in, LENGTH("book.txt"), ROOT, LENGTH("tmp/book")));
  say("move it within", raw_rename(in, LENGTH("book.txt"), in, LENGTH("deep/book")));
  say("move its folder", raw_rename(ROOT, LENGTH("in"), ROOT, LENGTH("tmp/in")));
  opening(ROOT, "tmp/mine", CREATE, WRITE);
  say("move something onto it", raw_rename(ROOT, LENGTH("tmp/mine"), in, LENGTH("book.txt")));
  say("move something in", raw_rename(ROOT, LENGTH("tmp/mine"), in, LENGTH("mine")));
  say("set its times", raw_times(in, 0, LENGTH("book.txt"), 0, 0, 5));
  say("set its times once it is open", __wasi_fd_filestat_set_times(book, 0, 0, 5));
  say("set its folder's times", __wasi_fd_filestat_set_times(in, 0, 0, 5));
  say("cut it by hand", __wasi_fd_filestat_set_size(book, 0) == 0);
  say("grow it by hand", __wasi_fd_allocate(book, 0, 100) == 0);
  say("write to it by hand", writing(book, "x") == 0);
  say("more rights than it was opened with", __wasi_fd_fdstat_set_rights(in, ~0ULL, ~0ULL));
  say("remove the folder of results", raw_rmdir(ROOT, LENGTH("out")));
  say("move the folder of results", raw_rename(ROOT, LENGTH("out"), ROOT, LENGTH("tmp/out")));
  say("put a folder in its place", (raw_mkdir(ROOT, LENGTH("tmp/empty")), raw_rename(ROOT, LENGTH("tmp/empty"), ROOT, LENGTH("out"))));
  say("put a file in its place", raw_rename(ROOT, LENGTH("tmp/mine"), ROOT, LENGTH("out")));
  char text[8] = {0};
  const __wasi_iovec_t part = {(uint8_t *)text, 8};
  __wasi_size_t done = 0;
  say("it is as it was", __wasi_fd_pread(book, &part, 1, 0, &done) || strncmp(text, "a book", 8) || done != 6);
  return 0;
}
