/* Makes files that are nearly programs, and has the kernel load them. */
#include "attack.h"
#include <elf.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>

static void put(const char *path, const void *content, size_t bytes) {
  int file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0755);
  if (file < 0 || write(file, content, bytes) != (ssize_t)bytes) _exit(2);
  close(file);
}

/* How the kernel answers: an error, or the end of what it did load. */
static void execute(const char *what, const char *path) {
  int ends[2], status, error = 0;
  if (pipe2(ends, O_CLOEXEC)) _exit(3);
  pid_t child = fork();
  if (child == 0) {
    execl(path, path, "again", NULL);
    error = errno;
    if (write(ends[1], &error, sizeof error) < 0) _exit(4);
    _exit(0);
  }
  close(ends[1]);
  ssize_t told = read(ends[0], &error, sizeof error);
  close(ends[0]);
  waitpid(child, &status, 0);
  if (told > 0) printf("%s %s\n", what, strerrorname_np(error));
  else if (WIFSIGNALED(status)) printf("%s %s\n", what, sigabbrev_np(WTERMSIG(status)));
  else printf("%s exited %d\n", what, WEXITSTATUS(status));
}

static void put_script(const char *path, const char *interpreter) {
  char line[512];
  put(path, line, snprintf(line, sizeof line, "#!%s\n", interpreter));
}

static Elf64_Ehdr header(unsigned segments) {
  return (Elf64_Ehdr){
      .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
      .e_type = ET_EXEC,
#ifdef __x86_64__
      .e_machine = EM_X86_64,
#else
      .e_machine = EM_AARCH64,
#endif
      .e_version = EV_CURRENT,
      .e_entry = 0x400000,
      .e_phoff = sizeof(Elf64_Ehdr),
      .e_ehsize = sizeof(Elf64_Ehdr),
      .e_phentsize = sizeof(Elf64_Phdr),
      .e_phnum = segments,
  };
}

/* A program whose loader is `interpreter`. */
static void put_loaded(const char *path, const char *interpreter, size_t claimed) {
  struct loaded {
    Elf64_Ehdr header;
    Elf64_Phdr loader, text;
    char name[64];
  } file = {.header = header(2)};
  file.loader = (Elf64_Phdr){.p_type = PT_INTERP, .p_offset = offsetof(struct loaded, name), .p_filesz = claimed};
  file.text = (Elf64_Phdr){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_vaddr = 0x400000, .p_filesz = sizeof file, .p_memsz = sizeof file, .p_align = 4096};
  snprintf(file.name, sizeof file.name, "%s", interpreter);
  put(path, &file, sizeof file);
}

int main(int argc, char **argv) {
  only_in_a_sandbox();
  if (argc > 1) return 77;
  if (chdir("/tmp")) return 2;
  (void)argv;
  Elf64_Ehdr many = header(65535), none = header(0), text = header(1);
  put("cut", &many, 20);
  execute("cut short", "cut");
  put("many", &many, sizeof many);
  execute("65535 segments", "many");
  put("none", &none, sizeof none);
  execute("no segments", "none");
  text.e_phoff = ~0ULL;
  put("far", &text, sizeof text);
  execute("segments past the end", "far");
  if (mkfifo("pipe", 0777) || mkdir("folder", 0777)) return 5;
  put_loaded("piped", "/tmp/pipe", sizeof "/tmp/pipe");
  execute("a loader that is a pipe", "piped");
  put_loaded("foldered", "/tmp/folder", sizeof "/tmp/folder");
  execute("a loader that is a folder", "foldered");
  put_loaded("absent", "/no/such", sizeof "/no/such");
  execute("a loader that is not there", "absent");
  put_loaded("long", "/x", 1UL << 40);
  execute("a loader with a name of a terabyte", "long");
  execute("a pipe", "pipe");
  put_script("itself", "/tmp/itself");
  execute("a script that interprets itself", "itself");
  for (int i = 0; i < 8; i++) {
    char path[32], interpreter[32];
    snprintf(path, sizeof path, "chain-%d", i);
    snprintf(interpreter, sizeof interpreter, "/tmp/chain-%d", i + 1);
    put_script(path, interpreter);
  }
  execute("a chain of scripts", "chain-0");
  put_script("own", "/proc/self/exe");
  execute("a script for /proc/self/exe", "own");
  put("nothing", "", 0);
  execute("an empty file", "nothing");
  return 0;
}
