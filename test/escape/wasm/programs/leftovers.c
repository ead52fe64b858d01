/* Looks for what a task before it may have left: files, descriptors, arguments, variables, memory. Then leaves all of it. */
#define _POSIX_C_SOURCE 200809L
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;
static int marked;
static const char SECRET[] = "left by an earlier task";

static int look(int argc) {
  struct stat status;
  int found = 0;
  if (marked) found = printf("a variable of the program\n");
  if (argc != 2) found = printf("%d arguments\n", argc);
  for (char **variable = environ; *variable; variable++)
    if (strncmp(*variable, "PWD=", 4)) found = printf("the variable %s\n", *variable);
  if (!stat("/tmp/trace", &status)) found = printf("a file\n");
  if (!stat("/in/secret", &status)) found = printf("an input\n");
  for (int fd = 4; fd < 64; fd++)
    if (!fstat(fd, &status)) found = printf("descriptor %d\n", fd);
  size_t size = 4 << 20;
  char *memory = malloc(size);
  if (!memory) return 1;
  for (size_t i = 0; i + sizeof SECRET < size; i++)
    if (!memcmp(memory + i, SECRET, sizeof SECRET)) found = printf("memory at %zu\n", i);
  for (size_t i = 0; i + sizeof SECRET < size; i += sizeof SECRET) memcpy(memory + i, SECRET, sizeof SECRET);
  return found;
}

int main(int argc, char **argv) {
  if (look(argc)) return 1;
  marked = 1;
  for (int i = 0; i < 8; i++)
    if (open("/tmp/trace", O_CREAT | O_RDWR, 0644) < 0) return 2;
  setenv("TRACE", SECRET, 1);
  printf("%s\n", argv[1]);
  return 0;
}
