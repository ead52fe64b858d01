/* Makes symbolic and hard links of every kind that leads somewhere it should not, and goes through them. */
#include "raw.h"

static char target[5000];

static int32_t symlinked(const char *to, const char *name) { return raw_symlink(LENGTH(to), ROOT, LENGTH(name)); }
static int32_t through(int32_t folder, const char *path, int32_t how, int64_t rights) {
  int32_t fd = -1;
  const int32_t answer = raw_open(folder, FOLLOW, LENGTH(path), how, rights, rights, 0, &fd);
  if (answer == 0) (void)!__wasi_fd_close(fd);
  return answer;
}
static int32_t linked(const char *from, const char *name) {
  return raw_link(ROOT, 0, LENGTH(from), ROOT, LENGTH(name));
}

int main(void) {
  char name[16], to[32];
  say("a link to an absolute path", symlinked("/etc/passwd", "tmp/absolute"));
  say("a link to the root", symlinked("/", "tmp/root"));
  say("a link above the root", symlinked("../../../etc/passwd", "tmp/up"));
  say("read through it", through(ROOT, "tmp/up", 0, READ));
  say("made through it", through(ROOT, "tmp/up", CREATE, WRITE));
  say("a link to what is above the root by itself", (symlinked("../..", "tmp/above"), through(ROOT, "tmp/above/etc", FOLDER, READ)));
  say("a link to itself", (symlinked("self", "tmp/self"), through(ROOT, "tmp/self", 0, READ)));
  say("in the middle of a path", through(ROOT, "tmp/self/x", 0, READ));
  say("two links to each other", (symlinked("b", "tmp/a"), symlinked("a", "tmp/b"), through(ROOT, "tmp/a", 0, READ)));
  say("a link not gone through", opening(ROOT, "tmp/a", 0, READ));
  for (int i = 0; i < 60; i++) {
    snprintf(name, sizeof name, "tmp/c%d", i);
    snprintf(to, sizeof to, i ? "c%d" : "d%d", i ? i - 1 : 0);
    symlinked(to, name);
  }
  raw_mkdir(ROOT, LENGTH("tmp/d0"));
  say("a chain of 30 links", through(ROOT, "tmp/c29", FOLDER, READ));
  say("a chain of 60 links", through(ROOT, "tmp/c59", FOLDER, READ));
  symlinked(".", "tmp/e0");
  for (int i = 1; i < 30; i++) {
    snprintf(name, sizeof name, "tmp/e%d", i);
    snprintf(to, sizeof to, "e%d/e%d", i - 1, i - 1);
    symlinked(to, name);
  }
  say("links that double at every step", through(ROOT, "tmp/e29", FOLDER, READ));
  memset(target, 'x', sizeof target);
  for (int i = 1; i < 5000; i += 2) target[i] = '/';
  say("a link of 4096 bytes", raw_symlink(target, 4096, ROOT, LENGTH("tmp/long")));
  say("a link of 4097 bytes", raw_symlink(target, 4097, ROOT, LENGTH("tmp/longer")));
  say("a link to nothing", raw_symlink("", 0, ROOT, LENGTH("tmp/nothing")));
  say("a link with a NUL", raw_symlink("a\0b", 3, ROOT, LENGTH("tmp/nul")));
  say("a link that is no UTF-8", raw_symlink("\xff", 1, ROOT, LENGTH("tmp/bytes")));
  symlinked("../in/book.txt", "tmp/book");
  say("an input through a link", through(ROOT, "tmp/book", 0, READ));
  say("written through it", through(ROOT, "tmp/book", 0, WRITE));
  say("cut through it", through(ROOT, "tmp/book", TRUNCATE, READ));
  say("its times through it", raw_times(ROOT, FOLLOW, LENGTH("tmp/book"), 0, 0, 5));
  symlinked("../in", "tmp/in");
  say("made below inputs through a link", through(ROOT, "tmp/in/new", CREATE, WRITE));
  say("removed below inputs through a link", raw_unlink(ROOT, LENGTH("tmp/in/book.txt")));
  say("a link among inputs", symlinked("x", "in/link"));
  say("a link in place of inputs", symlinked("tmp", "in"));
  say("a link moved over the folder of results", raw_rename(ROOT, LENGTH("tmp/in"), ROOT, LENGTH("out")));
  say("a second name for an input", linked("in/book.txt", "tmp/second"));
  say("and by way of a link", raw_link(ROOT, FOLLOW, LENGTH("tmp/book"), ROOT, LENGTH("tmp/second")));
  say("a second name for a folder", linked("tmp/d0", "tmp/d1"));
  opening(ROOT, "tmp/file", CREATE, WRITE);
  say("a second name among inputs", linked("tmp/file", "in/second"));
  say("a second name that there is", linked("tmp/file", "tmp/self"));
  say("a second name for a link, not what it leads to", linked("tmp/self", "tmp/again"));
  raw_mkdir(ROOT, LENGTH("tmp/deep"));
  raw_mkdir(ROOT, LENGTH("tmp/deep/er"));
  symlinked("../../file", "tmp/deep/er/out");
  const int32_t er = opened(ROOT, "tmp/deep/er", FOLDER);
  say("a link out of a kept folder", through(er, "out", 0, READ));
  say("the same from above", through(ROOT, "tmp/deep/er/out", 0, READ));
  say("the folder moved up", raw_rename(ROOT, LENGTH("tmp/deep/er"), ROOT, LENGTH("er")));
  say("then it leads out of everything", through(ROOT, "er/out", 0, READ));
  say("and still out of what is kept", through(er, "out", 0, READ));
  say("its folder through a link removed", (symlinked("er", "tmp/toer"), raw_rmdir(ROOT, LENGTH("tmp/toer"))));
  uint32_t used = 0;
  char text[8];
  say("read into too little", raw_readlink(ROOT, LENGTH("tmp/book"), text, 4, &used) * 100 + (int)used);
  say("read of what is no link", raw_readlink(ROOT, LENGTH("tmp/file"), text, 4, &used));
  symlinked("../in/book.txt", "out/link");
  symlinked("../../../etc/passwd", "out/up");
  symlinked("../tmp", "out/folder");
  linked("tmp/file", "out/file");
  return 0;
}
