#include "mount_table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

enum { DETACHED_MAX = 4096 };

struct mount {
	int id;
	char *path;  /* still escaped */
	char *type;
	char *source;
};

/* Takes a line apart, in place: id parent major:minor root path options [tag:value…] - type source options */
static bool parse_line(char *line, struct mount *mount)
{
	char *rest, *field = strtok_r(line, " \n", &rest);

	if (field == NULL)
		return false;
	mount->id = atoi(field);
	for (int i = 0; i < 4 && field != NULL; i++)
		field = strtok_r(NULL, " \n", &rest);
	mount->path = field;
	while (field != NULL && strcmp(field, "-") != 0)
		field = strtok_r(NULL, " \n", &rest);
	mount->type = field == NULL ? NULL : strtok_r(NULL, " \n", &rest);
	mount->source = mount->type == NULL ? NULL : strtok_r(NULL, " \n", &rest);
	return mount->source != NULL;
}

/* Undoes \ooo, in place. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from != '\0';) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
}

int mount_table_id(int fd)
{
	char path[64], line[128];
	int id = -1;
	FILE *info;

	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	if (info == NULL)
		return -1;
	while (id < 0 && fgets(line, sizeof line, info) != NULL)
		if (sscanf(line, "mnt_id: %d", &id) != 1)
			id = -1;
	fclose(info);
	if (id < 0)
		errno = ENOENT;
	return id;
}

bool mount_table_is_root(int fd)
{
	int parent = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is_root = parent < 0 || mount_table_id(parent) != mount_table_id(fd);

	if (parent >= 0)
		close(parent);
	return is_root;
}

/* Calls `visit` with every tmpfs named `source` until it returns false. */
static void each_disk(const char *source, bool (*visit)(const struct mount *, void *), void *argument)
{
	FILE *table = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t capacity = 0;
	struct mount mount;

	while (table != NULL && getline(&line, &capacity, table) > 0)
		if (parse_line(line, &mount) && strcmp(mount.type, "tmpfs") == 0 && strcmp(mount.source, source) == 0)
			if (!visit(&mount, argument))
				break;
	free(line);
	if (table != NULL)
		fclose(table);
}

struct search {
	int id;
	bool found;
};

static bool has_id(const struct mount *mount, void *argument)
{
	struct search *search = argument;

	search->found = mount->id == search->id;
	return !search->found;
}

bool mount_table_is_disk(int id, const char *source)
{
	struct search search = {.id = id};

	each_disk(source, has_id, &search);
	return search.found;
}

bool mount_table_detach(int fd)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	return umount2(path, MNT_DETACH) == 0;
}

struct found {
	struct {
		int id;
		char *path;
	} mounts[DETACHED_MAX];
	size_t count;
};

static bool note(const struct mount *mount, void *argument)
{
	struct found *found = argument;
	char *path = strdup(mount->path);

	if (path == NULL || found->count == DETACHED_MAX) {
		free(path);
		return false;
	}
	unescape(path);
	found->mounts[found->count].id = mount->id;
	found->mounts[found->count++].path = path;
	return true;
}

void mount_table_detach_all(const char *source)
{
	static struct found found;

	found.count = 0;
	each_disk(source, note, &found);
	for (size_t i = 0; i < found.count; i++) {
		int fd = open(found.mounts[i].path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		/* The path may lead elsewhere by now: only the mount that was found is ended. */
		if (fd >= 0 && mount_table_id(fd) == found.mounts[i].id)
			mount_table_detach(fd);
		if (fd >= 0)
			close(fd);
		free(found.mounts[i].path);
	}
}
