/* What both versions of control groups have in common: finding them, making and removing groups, reading and writing their files. */
#include "cgroup.h"

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

const char *const cgroup_controller_names[CGROUP_CONTROLLERS] = { "memory", "pids", "cpu", "cpuacct" };

bool cgroup_write(int folder, const char *file, const char *text)
{
	int fd = openat(folder, file, O_WRONLY | O_CLOEXEC);
	size_t length = strlen(text);
	ssize_t written;

	if (fd < 0)
		return false;
	written = write(fd, text, length);
	if (written >= 0 && (size_t)written != length)
		errno = EIO;
	int error = errno;
	close(fd);
	errno = error;
	return written >= 0 && (size_t)written == length;
}

bool cgroup_write_number(int folder, const char *file, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return cgroup_write(folder, file, text);
}

bool cgroup_read(int folder, const char *file, char *text, size_t size)
{
	int fd = file ? openat(folder, file, O_RDONLY | O_CLOEXEC) : folder;
	ssize_t length;

	text[0] = '\0';
	if (fd < 0)
		return false;
	length = pread(fd, text, size - 1, 0);
	if (file)
		close(fd);
	if (length < 0)
		return false;
	text[length] = '\0';
	return true;
}

uint64_t cgroup_read_number(int folder, const char *file)
{
	char text[32];

	return cgroup_read(folder, file, text, sizeof(text)) ? strtoull(text, NULL, 10) : 0;
}

uint64_t cgroup_find_number(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoull(line + length + 1, NULL, 10);
	}
	return 0;
}

int cgroup_folder(const struct cgroup *cgroup, enum cgroup_controller controller)
{
	for (size_t i = 0; i < cgroup->count; i++)
		if (cgroup->parts[i].controllers & controller)
			return cgroup->parts[i].folder;
	return -1;
}

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
static bool remove_group(int parent, const char *name, int budget_ms)
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
static bool clear_group(const struct cgroup_host *host, int parent, const char *name)
{
	for (int attempt = 0; attempt < 200; attempt++) {
		int folder = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

		if (folder < 0)
			return errno == ENOENT;
		host->kind->kill(folder);
		close(folder);
		if (remove_group(parent, name, 16))
			return true;
	}
	return false;
}

bool cgroup_host_clear(const struct cgroup_host *host, const char *only)
{
	bool clean = true;

	for (size_t i = 0; i < host->count; i++) {
		int parent = host->hierarchies[i].folder;

		if (only) {
			clean = clear_group(host, parent, only) && clean;
			continue;
		}
		DIR *list = fdopendir(openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
		if (!list) {
			clean = false;
			continue;
		}
		for (struct dirent *entry; (entry = readdir(list));)
			if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
				clean = clear_group(host, parent, entry->d_name) && clean;
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
		remove_group(host->hierarchies[i].parent, host->name, 500);
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
	snprintf(host->problem, sizeof(host->problem), "No control group could be made for souk: %s.", strerror(errno));
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
	if (!add_hierarchy(host, host->hierarchies[0].parent, host->controllers) || !cgroup2_delegate(host)) {
		host->count = 0;
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

static bool has_needed(const struct cgroup_host *host, const struct request_limits *limits, struct failure *failure)
{
	const struct {
		uint64_t limit;
		unsigned controller;
		const char *what;
	} needed[] = {
		{ limits->memory_bytes, CGROUP_MEMORY, "memory" },
		{ limits->pids, CGROUP_PIDS, "the number of processes" },
		{ limits->cpu_millicores, CGROUP_CPU, "CPU cores" },
		{ limits->cpu_shares, CGROUP_CPU, "the share of the CPU" },
		{ limits->cpu_time_ms, CGROUP_CPUACCT, "CPU time" },
		{ limits->idle_time_ms, CGROUP_CPUACCT, "idle time" },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (needed[i].limit != REQUEST_UNLIMITED && !(host->controllers & needed[i].controller))
			return failure_set(failure, BLAME_HOST, "cgroup", 0,
				"A limit on %s cannot be enforced: %s", needed[i].what,
				host->problem[0] ? host->problem : "this host lacks the controller for it.");
	return true;
}

static bool make_groups(struct cgroup *cgroup, struct failure *failure)
{
	const struct cgroup_host *host = cgroup->host;

	for (size_t i = 0; i < host->count; i++) {
		const struct cgroup_hierarchy *hierarchy = &host->hierarchies[i];
		int folder = -1;

		/* EEXIST: a keeper of the same pid has left it; it must be empty, or rmdir fails and so do we. */
		if (mkdirat(hierarchy->folder, cgroup->name, 0755) < 0 &&
		    (errno != EEXIST || !clear_group(host, hierarchy->folder, cgroup->name) ||
		     mkdirat(hierarchy->folder, cgroup->name, 0755) < 0))
			return failure_set(failure, BLAME_HOST, "cgroup", errno, "A control group could not be made");
		folder = openat(hierarchy->folder, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		cgroup->parts[i] = (struct cgroup_part){ .folder = folder, .entrance = -1, .controllers = hierarchy->controllers };
		cgroup->count = i + 1;
		if (folder < 0)
			return failure_set(failure, BLAME_HOST, "cgroup", errno, "A control group could not be opened");
	}
	return true;
}

bool cgroup_create(struct cgroup *cgroup, const struct cgroup_host *host, const struct request_limits *limits, struct failure *failure)
{
	const struct cgroup_kind *kind = host->kind;

	*cgroup = (struct cgroup){ .host = host, .cpu_fd = -1, .oom_fd = -1 };
	snprintf(cgroup->name, sizeof(cgroup->name), "%ld", (long)getpid());
	if (!has_needed(host, limits, failure))
		return false;
	if (!kind)
		return true;
	if (make_groups(cgroup, failure) && kind->set_limits(cgroup, limits, failure) &&
	    (limits->memory_bytes == REQUEST_UNLIMITED || kind->watch_oom(cgroup, failure)) &&
	    kind->open_entrance(cgroup, failure))
		return true;
	cgroup_remove(cgroup);
	return false;
}

int cgroup_clone_fd(const struct cgroup *cgroup)
{
	return cgroup->host->kind == &cgroup2_kind && cgroup->count ? cgroup->parts[0].folder : -1;
}

bool cgroup_join(const struct cgroup *cgroup)
{
	for (size_t i = 0; i < cgroup->count; i++)
		if (cgroup->parts[i].entrance >= 0 && write(cgroup->parts[i].entrance, "0", 1) != 1)
			return false;
	return true;
}

bool cgroup_counts_cpu(const struct cgroup *cgroup)
{
	return cgroup->cpu_fd >= 0;
}

uint64_t cgroup_cpu_us(const struct cgroup *cgroup)
{
	return cgroup->cpu_fd >= 0 ? cgroup->host->kind->cpu_us(cgroup) : 0;
}

void cgroup_usage(const struct cgroup *cgroup, struct cgroup_usage *usage)
{
	*usage = (struct cgroup_usage){ 0 };
	if (cgroup->count)
		cgroup->host->kind->usage(cgroup, usage);
}

bool cgroup_remove(struct cgroup *cgroup)
{
	bool clean = true;

	if (cgroup->oom_fd >= 0)
		close(cgroup->oom_fd);
	if (cgroup->cpu_fd >= 0)
		close(cgroup->cpu_fd);
	cgroup->oom_fd = cgroup->cpu_fd = -1;
	for (size_t i = 0; i < cgroup->count; i++) {
		if (cgroup->parts[i].entrance >= 0)
			close(cgroup->parts[i].entrance);
		if (cgroup->parts[i].folder >= 0)
			close(cgroup->parts[i].folder);
		clean = remove_group(cgroup->host->hierarchies[i].folder, cgroup->name, 2000) && clean;
	}
	cgroup->count = 0;
	return clean;
}
