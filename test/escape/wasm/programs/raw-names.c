/* Names that are something else in JavaScript, in C, in UTF-8 or on the way out; each for a new file below /out. */
#include "raw.h"

static char long_path[5000];

static int32_t of_length(uint32_t length) {
  int32_t fd;
  memset(long_path, 'n', length);
  return raw_open(4, 0, long_path, length, CREATE, WRITE, 0, 0, &fd);
}
static void making(const char *what, const char *name, uint32_t length) {
  int32_t fd;
  say(what, raw_open(4, 0, name, length, CREATE | EXCLUSIVE, WRITE, 0, 0, &fd));
}

int main(void) {
  opened(ROOT, "out", FOLDER);
  making("__proto__", LENGTH("__proto__"));
  making("constructor", LENGTH("constructor"));
  making("toString", LENGTH("toString"));
  making("hasOwnProperty", LENGTH("hasOwnProperty"));
  making("prototype", LENGTH("prototype"));
  making("a NUL within", "a\0b", 3);
  making("a NUL alone", "\0", 1);
  making("a NUL behind", "a\0", 2);
  making("a byte that is no UTF-8", LENGTH("a\xff"));
  making("half a character", LENGTH("a\xc3"));
  making("half a surrogate pair", LENGTH("\xed\xa0\x80"));
  making("both halves of a surrogate pair", LENGTH("\xed\xa0\xbd\xed\xb8\x80"));
  making("a slash in two bytes", LENGTH("..\xc0\xaf..\xc0\xaf" "etc"));
  making("a dot in two bytes", LENGTH("\xc0\xae\xc0\xae"));
  making("beyond Unicode", LENGTH("\xf4\x90\x80\x80"));
  making("a mark of byte order", LENGTH("\xef\xbb\xbf" "marked"));
  making("the same without it", LENGTH("marked"));
  making("an accent in one", LENGTH("caf\xc3\xa9"));
  making("an accent in two", LENGTH("cafe\xcc\x81"));
  making("what reads backwards", LENGTH("\xe2\x80\xae" "txt.exe"));
  making("a line of its own", LENGTH("a\nb"));
  making("an escape sequence", LENGTH("\x1b[2J"));
  making("backwards slashes", LENGTH("..\\..\\etc"));
  making("a drive", LENGTH("C:"));
  making("three dots", LENGTH("..."));
  making("a space", LENGTH(" "));
  making("nothing", "", 0);
  making("itself", LENGTH("."));
  making("above", LENGTH(".."));
  making("the root", LENGTH("/"));
  making("with a slash behind", LENGTH("slash/"));
  making("with a dot behind", LENGTH("slash/."));
  making("below a file", LENGTH("marked/x"));
  making("beside a file by way of it", LENGTH("marked/../x"));
  making("a long way to the same", LENGTH("./././//.//x"));
  say("255 bytes", of_length(255));
  say("256 bytes", of_length(256));
  memset(long_path, '/', sizeof long_path);
  long_path[4095] = 'z';
  making("4096 bytes of path that begins with a slash", long_path, 4096);
  memset(long_path, '.', sizeof long_path);
  making("4097 bytes of path", long_path, 4097);
  return 0;
}
