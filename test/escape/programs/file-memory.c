/* Fills memory by way of files: `disk FOLDER` on a file system in memory, `memfd` without a name, `shm` System V. */
#include "attack.h"
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>

static char block[65536];

/* Writes until the file takes no more. */
static void fill(int file) {
  while (write(file, block, sizeof block) > 0) continue;
}

static int fill_folder(const char *folder) {
  for (int i = 0; i < 100000; i++) {
    char path[256];
    snprintf(path, sizeof path, "%s/%d", folder, i);
    int file = open(path, O_CREAT | O_WRONLY, 0644);
    if (file < 0) return 0;
    fill(file);
    close(file);
  }
  return 0;
}

static int fill_memfds(void) {
  for (int i = 0; i < 100000; i++) {
    int file = memfd_create("fill", 0);
    if (file < 0) return 0;
    fill(file);
  }
  return 0;
}

static int fill_segments(void) {
  for (int i = 0; i < 1000; i++) {
    int id = shmget(IPC_PRIVATE, 8 << 20, IPC_CREAT | 0600);
    if (id < 0) return 0;
    char *segment = shmat(id, NULL, 0);
    if (segment == (void *)-1) return 0;
    memset(segment, 1, 8 << 20);
  }
  return 0;
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  puts("started");
  memset(block, 'x', sizeof block);
  if (argc > 2 && !strcmp(argv[1], "disk")) return fill_folder(argv[2]);
  if (argc > 1 && !strcmp(argv[1], "memfd")) return fill_memfds();
  if (argc > 1 && !strcmp(argv[1], "shm")) return fill_segments();
  return 2;
}
