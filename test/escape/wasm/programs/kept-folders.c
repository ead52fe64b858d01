/* Holds on to folders and files that are moved, replaced and removed, and tries to get out or in by them. */
#include "raw.h"

int main(void) {
  raw_mkdir(ROOT, LENGTH("tmp/a"));
  raw_mkdir(ROOT, LENGTH("tmp/a/b"));
  const int32_t a = opened(ROOT, "tmp/a", FOLDER), b = opened(ROOT, "tmp/a/b", FOLDER);
  say("above a kept folder", opening(b, "..", FOLDER, READ));
  say("move it up", raw_rename(ROOT, LENGTH("tmp/a/b"), ROOT, LENGTH("tmp/b")));
  say("above it once it was moved", opening(b, "..", FOLDER, READ));
  say("beside it once it was moved", opening(b, "../a", FOLDER, READ));
  say("make in it once it was moved", opening(b, "new", CREATE | EXCLUSIVE, WRITE));
  say("and find that where it went", opening(ROOT, "tmp/b/new", 0, READ));
  say("move what is above into what is kept", raw_rename(ROOT, LENGTH("tmp"), b, LENGTH("tmp")));
  say("move a folder into itself by what is kept", raw_rename(ROOT, LENGTH("tmp/a"), a, LENGTH("x")));
  say("move it back below", raw_rename(ROOT, LENGTH("tmp/b"), a, LENGTH("b")));
  say("move the outer into the inner by what is kept", raw_rename(ROOT, LENGTH("tmp/a"), b, LENGTH("a")));
  say("remove what has something in it", raw_rmdir(ROOT, LENGTH("tmp/a/b")));
  raw_unlink(b, LENGTH("new"));
  say("remove it", raw_rmdir(ROOT, LENGTH("tmp/a/b")));
  say("make a file in what is removed", opening(b, "new", CREATE, WRITE));
  say("make a folder in what is removed", raw_mkdir(b, LENGTH("new")));
  say("open what is removed", opening(b, ".", FOLDER, READ));
  opening(ROOT, "tmp/file", CREATE, WRITE);
  say("move something into what is removed", raw_rename(ROOT, LENGTH("tmp/file"), b, LENGTH("file")));
  say("move it while it is removed", raw_rename(b, LENGTH("."), ROOT, LENGTH("tmp/again")));
  say("make another in its place", raw_mkdir(ROOT, LENGTH("tmp/a/b")));
  say("that is not what is kept", opening(b, "new", CREATE, WRITE));
  const int32_t file = opened(ROOT, "tmp/file", 0);
  say("write to a file", writing(file, "old"));
  opening(ROOT, "tmp/other", CREATE, WRITE);
  say("put another in its place", raw_rename(ROOT, LENGTH("tmp/other"), ROOT, LENGTH("tmp/file")));
  say("write to it once it is replaced", writing(file, "more"));
  __wasi_filestat_t seen;
  say("it has no name any more", __wasi_fd_filestat_get(file, &seen) || seen.nlink != 0 || seen.size != 7);
  say("the other is as empty as it was", raw_stat(ROOT, 0, LENGTH("tmp/file"), &seen) || seen.size != 0);
  say("take its folder away below it", raw_unlink(ROOT, LENGTH("tmp/file")) || writing(file, "end"));
  return 0;
}
