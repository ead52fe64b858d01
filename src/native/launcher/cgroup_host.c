/* The hierarchies of this host: finding them, and removing groups from them. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"

void cgroup_kill_listed(int folder)
{
	int fd = openat(folder, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	long pid;

	if (!file)
		return;
	/* 0 is a process outside this pid namespace. */
	while (fscanf(file, "%ld", &pid) == 1)
		if (pid > 1 && pid != (long)getpid())
			kill((pid_t)pid, SIGKILL);
	fclose(file);
}

static void wait_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

/* rmdir(2) says EBUSY until the last process in the group has been torn down, which may be a moment after it could be waited for. */
bool cgroup_remove_group(int parent, const char *name, int budget_ms)
{
	for (long pause_ms = 1, spent_ms = 0;; spent_ms += pause_ms, pause_ms = pause_ms < 32 ? pause_ms * 2 : 32) {
		if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
			return true;
		if (errno != EBUSY || spent_ms >= budget_ms)
			return false;
		wait_ms(pause_ms);
	}
}

/* Kills again and again, because a process may fork while it is being listed. */
bool cgroup_clear_group(const struct cgroup_host *host, int parent, const char *name)
{
	for (int attempt = 0; attempt < 200; attempt++) {
		int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (folder < 0)
			return errno == ENOENT;
		host->kind->kill(folder);
		close(folder);
		if (cgroup_remove_group(parent, name, 16))
			return true;
	}
	return false;
}

/* Named after a keeper. Whatever else lies there, such as the groups of a container engine, is not the launcher's. */
static bool is_run(const char *name)
{
	return *name && strspn(name, "0123456789") == strlen(name);
}

bool cgroup_host_clear(const struct cgroup_host *host, const char *only)
{
	bool clean = true;

	for (size_t i = 0; i < host->count; i++) {
		int parent = host->hierarchies[i].folder;

		if (only) {
			clean = cgroup_clear_group(host, parent, only) && clean;
			continue;
		}
		DIR *list = fdopendir(openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		if (!list) {
			clean = false;
			continue;
		}
		for (struct dirent *entry; (entry = readdir(list));)
			if (entry->d_type == DT_DIR && is_run(entry->d_name))
				clean = cgroup_clear_group(host, parent, entry->d_name) && clean;
		closedir(list);
	}
	return clean;
}

void cgroup_host_remove(struct cgroup_host *host)
{
	if (!host->kind)
		return;
	cgroup_host_clear(host, NULL);
	for (size_t i = 0; i < host->count; i++) {
		cgroup_remove_group(host->hierarchies[i].parent, host->name, 500);
		if (host->kind == &cgroup2_kind)
			cgroup2_leave(host);
		close(host->hierarchies[i].folder);
		close(host->hierarchies[i].parent);
	}
	host->count = 0;
	host->kind = NULL;
	host->controllers = 0;
}

/* Takes `\040` and its like out of a path of /proc/self/mountinfo, see proc_pid_mountinfo(5). */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static unsigned controllers_of(char *options)
{
	unsigned found = 0;
	char *state = NULL;

	for (char *word = strtok_r(options, ",\n", &state); word; word = strtok_r(NULL, ",\n", &state))
		for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
			if (strcmp(word, cgroup_controller_names[i]) == 0)
				found |= 1u << i;
	return found;
}

static bool read_mount(char *line, struct cgroup_mount *mount)
{
	char *tail = strstr(line, " - "), *state = NULL, *point = NULL, *type, *options;

	if (!tail)
		return false;
	*tail = '\0';
	point = strtok_r(line, " ", &state);
	for (int field = 1; field < 5 && point; field++)
		point = strtok_r(NULL, " ", &state);
	type = strtok_r(tail + 3, " ", &state);
	if (!point || !type || strncmp(type, "cgroup", 6) != 0 || !strtok_r(NULL, " ", &state))
		return false;
	options = strtok_r(NULL, " ", &state);
	unescape(point);
	if (!options || strlen(point) >= sizeof(mount->point))
		return false;
	strcpy(mount->point, point);
	mount->unified = strcmp(type, "cgroup2") == 0;
	mount->controllers = mount->unified ? 0 : controllers_of(options);
	return true;
}

static bool add_hierarchy(struct cgroup_host *host, int parent, unsigned controllers)
{
	struct cgroup_hierarchy *hierarchy = &host->hierarchies[host->count];
	int folder;

	if (mkdirat(parent, host->name, 0755) < 0 && errno != EEXIST)
		goto fail;
	folder = openat(parent, host->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder < 0)
		goto fail;
	*hierarchy = (struct cgroup_hierarchy){ .folder = folder, .parent = parent, .controllers = controllers };
	host->count++;
	host->controllers |= controllers;
	return true;
fail:
	snprintf(host->problem, sizeof(host->problem), geteuid() == 0 ? "No control group could be made for souk: %s." :
		"No control group has been delegated to this user: %s.", strerror(errno));
	return false;
}

static void add_v1(struct cgroup_host *host, const struct cgroup_mount *mount)
{
	/* The same hierarchy may be mounted twice. */
	unsigned controllers = mount->controllers & ~host->controllers;
	int parent;

	if (!controllers || host->count == CGROUP_HIERARCHIES_MAX)
		return;
	parent = open(mount->point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0)
		return;
	host->kind = &cgroup1_kind;
	if (!add_hierarchy(host, parent, controllers))
		close(parent);
}

static void add_v2(struct cgroup_host *host, const char *mount_point)
{
	host->kind = &cgroup2_kind;
	if (!cgroup2_prepare(host, mount_point))
		return;
	/* cgroup2_prepare() has left the parent's folder in the first slot. */
	if (add_hierarchy(host, host->hierarchies[0].parent, host->controllers)) {
		cgroup2_delegate(host);
	} else {
		close(host->hierarchies[0].parent);
		host->controllers = 0;
	}
}

void cgroup_host_open(struct cgroup_host *host, const char *instance)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	struct cgroup_mount mount;
	char unified[sizeof(mount.point)] = "";
	char *line = NULL;
	size_t size = 0;

	*host = (struct cgroup_host){ 0 };
	snprintf(host->name, sizeof(host->name), "souk-%s", instance);
	while (file && getline(&line, &size, file) > 0) {
		if (!read_mount(line, &mount))
			continue;
		if (mount.unified)
			strcpy(unified, mount.point);
		else
			add_v1(host, &mount);
	}
	free(line);
	if (file)
		fclose(file);
	if (!host->kind && unified[0])
		add_v2(host, unified);
	if (!host->count) {
		host->kind = NULL;
		if (!host->problem[0])
			snprintf(host->problem, sizeof(host->problem), "This host has no control groups mounted.");
	}
}
