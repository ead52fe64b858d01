/* What both versions of control groups have in common: the group of a run, and reading and writing files. */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
		    (errno != EEXIST || !cgroup_clear_group(host, hierarchy->folder, cgroup->name) ||
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

bool cgroup_make(struct cgroup *cgroup, const struct cgroup_host *host, struct failure *failure)
{
	*cgroup = (struct cgroup){ .host = host, .cpu_fd = -1, .oom_fd = -1 };
	snprintf(cgroup->name, sizeof(cgroup->name), "%ld", (long)getpid());
	if (!host->kind || (make_groups(cgroup, failure) && host->kind->open_entrance(cgroup, failure)))
		return true;
	cgroup_remove(cgroup);
	return false;
}

bool cgroup_limit(struct cgroup *cgroup, const struct request_limits *limits, struct failure *failure)
{
	const struct cgroup_kind *kind = cgroup->host->kind;

	return has_needed(cgroup->host, limits, failure) &&
		(!kind || (kind->set_limits(cgroup, limits, failure) &&
			(limits->memory_bytes == REQUEST_UNLIMITED || kind->watch_oom(cgroup, failure))));
}

void cgroup_entrance(const struct cgroup *cgroup, struct cgroup_entrance *entrance)
{
	entrance->is_folder = cgroup->host->kind == &cgroup2_kind;
	entrance->count = cgroup->count;
	for (size_t i = 0; i < cgroup->count; i++)
		entrance->fds[i] = entrance->is_folder ? cgroup->parts[i].folder : cgroup->parts[i].entrance;
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
		clean = cgroup_remove_group(cgroup->host->hierarchies[i].folder, cgroup->name, 2000) && clean;
	}
	cgroup->count = 0;
	return clean;
}
