/*
 * Counts lines, words and bytes, as wc does: of the files that its arguments name, or of standard input.
 *
 *   word-count [-l] [-w] [-c] [FILE ...]
 *
 * Where there is a folder /out it also leaves the counts there, as counts.json.
 */
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct counts {
  unsigned long lines, words, bytes;
};

static bool show_lines, show_words, show_bytes;

static void count(FILE *file, struct counts *counts) {
  bool in_word = false;
  for (int c; (c = getc(file)) != EOF;) {
    counts->bytes++;
    if (c == '\n') counts->lines++;
    if (isspace(c)) {
      in_word = false;
    } else if (!in_word) {
      in_word = true;
      counts->words++;
    }
  }
}

static void show(const struct counts *counts, const char *name) {
  const char *space = "";
  if (show_lines) printf("%s%lu", space, counts->lines), space = " ";
  if (show_words) printf("%s%lu", space, counts->words), space = " ";
  if (show_bytes) printf("%s%lu", space, counts->bytes), space = " ";
  printf(*name ? "%s%s\n" : "\n", space, name);
}

static bool parse(const char *option) {
  for (const char *c = option + 1; *c; c++) {
    if (*c == 'l') show_lines = true;
    else if (*c == 'w') show_words = true;
    else if (*c == 'c') show_bytes = true;
    else return false;
  }
  return true;
}

static void leave(const struct counts *counts) {
  FILE *file = fopen("/out/counts.json", "w");
  if (!file) return; /* nobody asked for it */
  fprintf(file, "{\"lines\": %lu, \"words\": %lu, \"bytes\": %lu}\n", counts->lines, counts->words, counts->bytes);
  fclose(file);
}

int main(int argc, char **argv) {
  int first = 1;
  for (; first < argc && argv[first][0] == '-' && argv[first][1]; first++) {
    if (!parse(argv[first])) {
      fprintf(stderr, "word-count: unknown option %s\nusage: word-count [-l] [-w] [-c] [FILE ...]\n", argv[first]);
      return 2;
    }
  }
  if (!show_lines && !show_words && !show_bytes) show_lines = show_words = show_bytes = true;

  struct counts total = {0};
  int code = 0;
  if (first == argc) {
    count(stdin, &total);
    show(&total, "");
  }
  for (int i = first; i < argc; i++) {
    FILE *file = fopen(argv[i], "rb");
    if (!file) {
      fprintf(stderr, "word-count: %s: cannot be read\n", argv[i]);
      code = 1;
      continue;
    }
    struct counts counts = {0};
    count(file, &counts);
    fclose(file);
    show(&counts, argv[i]);
    total.lines += counts.lines;
    total.words += counts.words;
    total.bytes += counts.bytes;
  }
  if (argc - first > 1) show(&total, "total");
  leave(&total);
  return code;
}
