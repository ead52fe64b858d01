/* Looks for the engine, and for what runs its containers: sockets with a file, and those without (CVE-2020-15257 of containerd). */
#include "../../programs/attack.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static void visit(const char *name, size_t length) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char what[200];
  memcpy(address.sun_path, name, length);
  int visitor = socket(AF_UNIX, SOCK_STREAM, 0);
  snprintf(what, sizeof what, "%s%s", *name ? "" : "@", *name ? name : name + 1);
  report(what, connect(visitor, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length));
  close(visitor);
}

int main(void) {
  static const char *const files[] = {
      "/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/podman/podman.sock",
      "/run/crio/crio.sock",  "/run/dbus/system_bus_socket", "/run/systemd/private", "/run/systemd/notify"};
  only_in_a_sandbox();
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) visit(files[i], strlen(files[i]) + 1);
  visit("\0/containerd-shim/moby/shim.sock", 32);
  visit("\0/org/kernel/linux/storage/multipathd", 37);
  /* Whatever has a name in its own network: nobody. */
  char line[512], *at;
  FILE *sockets = fopen("/proc/net/unix", "r");
  while (sockets && fgets(line, sizeof line, sockets))
    if ((at = strchr(line, '@')) || (at = strchr(line, '/'))) printf("SEES %s", at);
  return 0;
}
