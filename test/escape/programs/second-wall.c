/* What the mounts and the filter on calls allow, and Landlock does not; then what it must not have broken. */
#include "attack.h"
#include <fcntl.h>
#include <linux/random.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static void make(const char *path) {
  int fd = open(path, O_CREAT | O_WRONLY, 0600);
  report(path, fd);
  close(fd);
}

static void signal_child(void) {
  pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  report("signal to a child", kill(child, SIGKILL));
  waitpid(child, NULL, 0);
}

static void talk_to_child(void) {
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0souk-second-wall"};
  int server = socket(AF_UNIX, SOCK_STREAM, 0);
  bind(server, (struct sockaddr *)&address, sizeof address);
  listen(server, 1);
  if (fork() == 0) {
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    _exit(connect(client, (struct sockaddr *)&address, sizeof address) < 0);
  }
  int status = 1;
  wait(&status);
  report("abstract socket of the sandbox", status == 0 ? 0 : -1);
}

int main(void) {
  only_in_a_sandbox();
  int bits, random = open("/dev/random", O_RDONLY);
  report("pipe of the root file system", open("/pipe", O_RDWR));
  report("control of a device", ioctl(random, RNDGETENTCNT, &bits));
  report("signal to init", kill(1, 0));
  puts("--");
  make("/dev/null");
  make("/dev/shm/file");
  make("/out/file");
  mkdir("/tmp/a", 0700);
  mkdir("/tmp/b", 0700);
  make("/tmp/a/file");
  report("link to another folder", link("/tmp/a/file", "/tmp/b/link"));
  report("rename to another folder", rename("/tmp/a/file", "/tmp/b/file"));
  report("truncate", truncate("/tmp/b/file", 0));
  report("named pipe", mkfifo("/tmp/fifo", 0600));
  report("message queue", mq_open("/queue", O_CREAT | O_RDWR, 0600, NULL));
  signal_child();
  talk_to_child();
  return 0;
}
