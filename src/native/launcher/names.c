#include "names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Kinds of an entry, in the byte before its name. */
enum { FOLDER = 'd', OTHER = 'f' };

/* Paths are in byte order when a folder's name counts with the slash that follows it. */
static int compare_names(const void *left, const void *right)
{
	const unsigned char *a = *(const unsigned char *const *)left, *b = *(const unsigned char *const *)right;
	bool a_folder = a[-1] == FOLDER, b_folder = b[-1] == FOLDER;
	int a_next, b_next;

	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	a_next = *a == '\0' && a_folder ? '/' : *a;
	b_next = *b == '\0' && b_folder ? '/' : *b;
	return (a_next > b_next) - (a_next < b_next);
}

static bool is_folder(int fd, const struct dirent *entry)
{
	struct stat state;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(fd, entry->d_name, &state, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(state.st_mode);
}

static bool list_names(int fd, size_t most, struct names *names)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = own < 0 ? NULL : fdopendir(own);
	size_t length = 0, capacity = 0;
	const struct dirent *entry;
	bool ok = folder != NULL;

	while (ok) {
		size_t bytes;

		errno = 0;
		entry = readdir(folder);
		if (entry == NULL) {
			ok = errno == 0;
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (names->count == most) {
			names->more = true;
			break;
		}
		bytes = strlen(entry->d_name) + 1;
		if (length + 1 + bytes > capacity) {
			char *grown = realloc(names->block, capacity * 2 + 4096);
			ok = grown != NULL;
			if (!ok)
				break;
			names->block = grown;
			capacity = capacity * 2 + 4096;
		}
		names->block[length] = is_folder(fd, entry) ? FOLDER : OTHER;
		memcpy(names->block + length + 1, entry->d_name, bytes);
		length += 1 + bytes;
		names->count++;
	}
	int saved = errno;
	if (folder != NULL)
		closedir(folder);
	else if (own >= 0)
		close(own);
	errno = saved;
	return ok;
}

static bool sort_names(struct names *names)
{
	const char *at = names->block;

	if (names->count == 0)
		return true;
	names->sorted = malloc(names->count * sizeof *names->sorted);
	if (names->sorted == NULL)
		return false;
	for (size_t i = 0; i < names->count; i++) {
		names->sorted[i] = at + 1;
		at += 1 + strlen(at + 1) + 1;
	}
	qsort(names->sorted, names->count, sizeof *names->sorted, compare_names);
	return true;
}

bool names_read(struct names *names, int fd, size_t most)
{
	*names = (struct names){0};
	if (list_names(fd, most, names) && sort_names(names))
		return true;
	int saved = errno;
	names_free(names);
	errno = saved;
	return false;
}

bool names_is_folder(const char *name)
{
	return name[-1] == FOLDER;
}

void names_free(struct names *names)
{
	free(names->sorted);
	free(names->block);
	*names = (struct names){0};
}
