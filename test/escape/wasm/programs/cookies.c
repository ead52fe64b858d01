/* Lists a folder with cookies and buffers that nobody gave it, while what is in it comes and goes. */
#include "raw.h"

static uint8_t entries[4096];
static int32_t listed;

static int32_t list(uint32_t bytes, uint64_t cookie) {
  __wasi_size_t used = 9999;
  const int32_t answer = __wasi_fd_readdir(listed, entries, bytes, cookie, &used);
  return answer ? -answer : (int32_t)used;
}

int main(void) {
  char name[8];
  listed = opened(ROOT, "tmp", FOLDER);
  for (int i = 0; i < 50; i++) {
    snprintf(name, sizeof name, "f%02d", i);
    opening(listed, name, CREATE, WRITE);
  }
  say("all of it", list(4096, 0));
  say("into no bytes", list(0, 0));
  say("into one byte", list(1, 0));
  say("into all but a name", list(24, 2));
  say("from 2^32", list(4096, 1ULL << 32));
  say("from 2^53 + 1", list(4096, (1ULL << 53) + 1));
  say("from 2^63", list(4096, 1ULL << 63));
  say("from 2^64 - 1", list(4096, ~0ULL));
  uint64_t next;
  list(27 * 10, 2);
  memcpy(&next, entries + 27 * 9, sizeof next);
  for (int i = 0; i < 50; i++) {
    snprintf(name, sizeof name, "f%02d", i);
    if (i < 45) raw_unlink(listed, LENGTH(name));
  }
  say("from what is gone", list(4096, next));
  say("from before what is gone", list(4096, 2));
  opening(listed, "new", CREATE, WRITE);
  say("with what is new", list(4096, next));
  raw_rename(listed, LENGTH("f45"), listed, LENGTH("f99"));
  say("with one by another name", list(4096, next));
  say("of a file", (listed = opened(listed, "new", 0), list(4096, 0)));
  say("of a stream", (listed = 0, list(4096, 0)));
  return 0;
}
