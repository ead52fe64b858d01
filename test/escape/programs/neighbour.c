/* `neighbour hold FILE`: lays out what another task could find, locks what both have, and waits for its input to end. Else: looks for it. */
#include "attack.h"
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>

enum { KEY = 0x736f756b };
#define NAME "souk-neighbour"

static struct sockaddr_un abstract = {.sun_family = AF_UNIX, .sun_path = "\0" NAME};
static const socklen_t abstract_bytes = offsetof(struct sockaddr_un, sun_path) + sizeof NAME;

static int hold(const char *shared) {
  int s = socket(AF_UNIX, SOCK_STREAM, 0), own = open("/proc/self/exe", O_RDONLY), file = open(shared, O_RDONLY);
  if (s < 0 || bind(s, (struct sockaddr *)&abstract, abstract_bytes) || listen(s, 8)) return 3;
  if (shmget(KEY, 4096, IPC_CREAT | 0666) < 0 || msgget(KEY, IPC_CREAT | 0666) < 0 || semget(KEY, 1, IPC_CREAT | 0666) < 0) return 4;
  if (mq_open("/" NAME, O_CREAT | O_RDWR, 0666, NULL) < 0) return 5;
  if (open("/dev/shm/" NAME, O_CREAT | O_RDWR, 0666) < 0 || open("/tmp/" NAME, O_CREAT | O_RDWR, 0666) < 0) return 6;
  if (flock(own, LOCK_EX) || flock(file, LOCK_EX)) return 7;
  if (fcntl(file, F_SETLK, &(struct flock){.l_type = F_RDLCK}) || fcntl(own, F_SETLK, &(struct flock){.l_type = F_RDLCK})) return 8;
  puts("holding");
  char byte;
  while (read(0, &byte, 1) > 0) continue;
  puts("unharmed");
  return 0;
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc > 2 && !strcmp(argv[1], "hold")) return hold(argv[2]);
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  report("abstract name", connect(s, (struct sockaddr *)&abstract, abstract_bytes));
  report("segment", shmget(KEY, 0, 0));
  report("message queue", msgget(KEY, 0));
  report("semaphores", semget(KEY, 0, 0));
  report("POSIX message queue", mq_open("/" NAME, O_RDWR));
  report("shared memory", open("/dev/shm/" NAME, O_RDWR));
  report("file", open("/tmp/" NAME, O_RDWR));
  int others = 0;
  for (int pid = 2; pid < 70000; pid++)
    if (pid != getpid() && (kill(pid, SIGKILL) == 0 || errno != ESRCH)) others++;
  report("process", others ? 0 : (errno = ESRCH, -1));
  report("group", kill(-1, SIGKILL));
  return 0;
}
