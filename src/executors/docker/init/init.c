/*
 * The first process of a container: `souk-init SOCKET OPEN_FILES PROGRAM [ARGUMENT...]`.
 *
 * Docker alone tells neither an exit code of 139 from a death by SIGSEGV, nor when the task's own first instruction
 * runs, and with the container's end its counters are gone. So this program, mounted read-only into every container,
 * stands between: it waits until the node is ready to watch, starts the task, kills all that the task leaves behind,
 * tells how the task ended, and stays until the node has read the counters. OPEN_FILES is how many descriptors the task
 * may have: fewer than those who start the container need for themselves.
 *
 * It speaks over the Unix socket that it is given, which takes one connection and no other:
 *
 *   init → node  'R'                 ready; nothing of the task has run
 *   node → init  'G'                 go
 *   init → node  'S'                 the task's execve(2) has succeeded
 *   init → node  'X' u32             it failed with this errno; the end
 *   node → init  'K'                 kill every process but this one
 *   init → node  'E' u32             all are dead; the task's status as wait(2) gives it
 *   node → init  'D' and 16 bytes    write these to standard output and error, as the last that comes from there
 *   EOF from the node                kill everything and end: a container does not outlive its node
 *
 * Numbers are little-endian. The task runs as the same user: this process is not dumpable (prctl(2)), so /proc/1 is
 * closed to it, and being pid 1 it gets no signal from inside that it has no handler for (pid_namespaces(7)).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NONCE_BYTES = 16, FIRST_FREE_DESCRIPTOR = 3 };

static int control = -1;

static void on_child(int signal) { (void)signal; }

/* Kills every process of the container but this one, and waits for their ends. kill(2): pid -1 spares pid 1. */
static void kill_all(void) {
  for (;;) {
    kill(-1, SIGKILL);
    if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD) return;
  }
}

static _Noreturn void end(int code) {
  kill_all();
  _exit(code);
}

static void tell(const void *message, size_t bytes) {
  const char *next = message;
  while (bytes > 0) {
    ssize_t sent = send(control, next, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) end(1);
    next += sent;
    bytes -= (size_t)sent;
  }
}

/* Reads exactly that much; the node's end of the connection is the end of everything. */
static void hear(void *message, size_t bytes) {
  char *next = message;
  while (bytes > 0) {
    ssize_t got = read(control, next, bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) end(1);
    next += got;
    bytes -= (size_t)got;
  }
}

static char hear_order(void) {
  char order;
  hear(&order, 1);
  return order;
}

static void tell_number(char kind, uint32_t number) {
  unsigned char message[5] = {(unsigned char)kind};
  for (int i = 0; i < 4; i++) message[1 + i] = (unsigned char)(number >> (8 * i));
  tell(message, sizeof message);
}

static int connect_to(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof address.sun_path) return -1;
  strcpy(address.sun_path, path);
  int connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection < 0) return -1;
  return connect(connection, (struct sockaddr *)&address, sizeof address) < 0 ? -1 : connection;
}

/*
 * When memory is short the kernel is to take the task, not this process. Raising the score needs no right, but to be
 * dumpable, for who is not owns none of its files in /proc. There is nobody yet who could make use of that.
 */
static void offer_to_oom_killer(void) {
  prctl(PR_SET_DUMPABLE, 1);
  int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (file < 0) return;
  if (write(file, "1000", 4) < 0) { /* then sizes decide, and this process is the smallest */
  }
  close(file);
}

/* Files past the limit are to fail with EFBIG, which the task can deal with, and not to end it: SIGXFSZ is ignored. */
static _Noreturn void become_task(char **arguments, rlim_t open_files, int failure) {
  const struct rlimit files = {.rlim_cur = open_files, .rlim_max = open_files};
  sigset_t none;
  sigemptyset(&none);
  signal(SIGCHLD, SIG_DFL);
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_IGN);
  setsid();
  offer_to_oom_killer();
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (setrlimit(RLIMIT_NOFILE, &files) == 0) execvp(arguments[0], arguments);
  uint32_t error = (uint32_t)errno;
  if (write(failure, &error, sizeof error) < 0) _exit(126);
  _exit(127);
}

/* Starts the task; returns only when its execve(2) has succeeded. */
static pid_t start_task(char **arguments, rlim_t open_files) {
  int failure[2];
  if (pipe2(failure, O_CLOEXEC) < 0) {
    tell_number('X', (uint32_t)errno);
    end(1);
  }
  pid_t task = fork();
  if (task == 0) become_task(arguments, open_files, failure[1]);
  uint32_t error = task < 0 ? (uint32_t)errno : 0;
  close(failure[1]);
  ssize_t got;
  do got = task < 0 ? 0 : read(failure[0], &error, sizeof error);
  while (got < 0 && errno == EINTR);
  close(failure[0]);
  if (error != 0) {
    tell_number('X', error);
    hear_order();
    end(127);
  }
  tell("S", 1);
  return task;
}

/* Returns how the task ended, once it and all that it left behind are dead. */
static int follow_task(pid_t task) {
  sigset_t none;
  sigemptyset(&none);
  struct pollfd orders = {.fd = control, .events = POLLIN};
  for (;;) {
    int status;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) != 0;) {
      if (ended == task) {
        kill_all();
        return status;
      }
      if (ended < 0 && errno != EINTR) end(1);
    }
    /* SIGCHLD comes through only here, so that none is missed between the look and the wait. */
    if (ppoll(&orders, 1, NULL, &none) <= 0) continue;
    if (hear_order() != 'K') end(1);
    kill(-1, SIGKILL);
  }
}

/* What the task wrote comes before this on the same pipes: whoever reads it has read everything. */
static void mark_end_of_output(const int streams[2]) {
  unsigned char nonce[NONCE_BYTES];
  hear(nonce, sizeof nonce);
  for (int i = 0; i < 2; i++) {
    size_t done = 0;
    /* The task may have made its pipes non-blocking, and that is a property of the pipe's end, not of its descriptor. */
    fcntl(streams[i], F_SETFL, 0);
    while (done < sizeof nonce) {
      ssize_t written = write(streams[i], nonce + done, sizeof nonce - done);
      if (written < 0 && errno != EINTR) break;
      if (written > 0) done += (size_t)written;
    }
  }
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  const rlim_t open_files = strtoul(arguments[2], NULL, 10);
  sigset_t child;
  struct sigaction action = {.sa_handler = on_child};
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child, NULL);
  sigaction(SIGCHLD, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  if (getpid() != 1 || prctl(PR_SET_DUMPABLE, 0) < 0) return 2;
  control = connect_to(arguments[1]);
  if (control < 0) return 2;

  tell("R", 1);
  if (hear_order() != 'G') end(1);
  pid_t task = start_task(arguments + 3, open_files);
  /* The task's pipes are its own: that it has closed them can be seen, and what is written to it then fails. */
  const int streams[2] = {fcntl(1, F_DUPFD_CLOEXEC, FIRST_FREE_DESCRIPTOR), fcntl(2, F_DUPFD_CLOEXEC, FIRST_FREE_DESCRIPTOR)};
  for (int stream = 0; stream < FIRST_FREE_DESCRIPTOR; stream++) close(stream);

  tell_number('E', (uint32_t)follow_task(task));
  for (;;)
    if (hear_order() == 'D') mark_end_of_output(streams);
}
