/*
 * Fills memory by way of files: `disk FOLDER` on a file system in memory, `memfd` without a name; of what processes share: `shm`,
 * `messages` and `semaphores` of System V; of what waits to be read: `pipes`, `sockets`.
 */
#include "attack.h"
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>

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

static int fill_messages(void) {
  static struct {
    long type;
    char text[8192];
  } message = {.type = 1};
  for (int i = 0; i < 30000; i++) {
    int id = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    if (id < 0) return 0;
    while (msgsnd(id, &message, sizeof message.text, IPC_NOWAIT) == 0) continue;
  }
  return 0;
}

static int fill_semaphores(void) {
  for (int i = 0; i < 30000; i++)
    if (semget(IPC_PRIVATE, 30000, IPC_CREAT | 0600) < 0) return 0;
  return 0;
}

static int fill_pipes(void) {
  for (int ends[2]; pipe2(ends, O_NONBLOCK) == 0;) {
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    fill(ends[1]);
  }
  return 0;
}

static int fill_sockets(void) {
  for (int ends[2]; socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0;) {
    for (int end = 0; end < 2; end++) {
      setsockopt(ends[end], SOL_SOCKET, SO_SNDBUF, &(int){16 << 20}, sizeof(int));
      fill(ends[end]);
    }
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
  if (argc > 1 && !strcmp(argv[1], "messages")) return fill_messages();
  if (argc > 1 && !strcmp(argv[1], "semaphores")) return fill_semaphores();
  if (argc > 1 && !strcmp(argv[1], "pipes")) return fill_pipes();
  if (argc > 1 && !strcmp(argv[1], "sockets")) return fill_sockets();
  return 2;
}
