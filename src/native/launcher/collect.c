#include "collect.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "names.h"
#include "text.h"

enum {
	/* Folders held open on the way down; those above are opened anew on the way back. Bounds the descriptors, whatever the depth. */
	OPEN_LEVELS = 48,
	NAME_BYTES = 256,
};

static const uint64_t RESOLVE = K_RESOLVE_BENEATH | K_RESOLVE_NO_SYMLINKS | K_RESOLVE_NO_MAGICLINKS | K_RESOLVE_NO_XDEV;

/* A folder that is being walked. */
struct level {
	struct names names;
	size_t next;         /* in names.sorted */
	size_t path_length;  /* of the folder's path in walk.path */
	int fd;              /* -1 while it is closed */
};

struct walk {
	struct connection *connection;
	int root;                             /* of this output folder */
	char path[COLLECT_PATH_MAX + 1 + NAME_BYTES]; /* as reported, NUL-terminated */
	size_t root_length;                   /* of the output folder's path */
	struct level *levels;
	size_t depth, capacity;
	size_t entries_left;
	uint64_t bytes_left, max_bytes;
	bool told_too_many;
};

static bool refuse(struct walk *walk, const char *code, const char *message)
{
	if (connection_room(walk->connection) < FRAME_DATA_BYTES_MAX &&
	    !connection_drain(walk->connection, COLLECT_STALL_MS))
		return false;
	return frame_send_file_refused(walk->connection, code, walk->path, message);
}

static bool refuse_unreadable(struct walk *walk, const char *what, int error)
{
	char message[128];

	snprintf(message, sizeof message, "the %s cannot be read: %s", what, strerror(error));
	return refuse(walk, "UNREADABLE", message);
}

/* Sends what FILE has announced: exactly `bytes`, whatever becomes of the file. */
static bool send_content(struct walk *walk, int fd, uint64_t bytes)
{
	static uint8_t buffer[FRAME_DATA_BYTES_MAX];

	while (bytes > 0) {
		size_t want = bytes < sizeof buffer ? (size_t)bytes : sizeof buffer, got = 0;

		while (got < want) {
			ssize_t part = read(fd, buffer + got, want - got);
			if (part < 0 && errno == EINTR)
				continue;
			if (part <= 0)
				break;
			got += (size_t)part;
		}
		memset(buffer + got, 0, want - got);
		if (connection_room(walk->connection) < want && !connection_drain(walk->connection, COLLECT_STALL_MS))
			return false;
		if (!frame_send_file_data(walk->connection, buffer, want))
			return false;
		bytes -= want;
	}
	return true;
}

static bool send_open_file(struct walk *walk, int fd)
{
	struct stat state;
	uint64_t bytes;

	if (fstat(fd, &state) != 0)
		return refuse_unreadable(walk, "file", errno);
	if (!S_ISREG(state.st_mode))
		return refuse(walk, "NOT_REGULAR", "it is not a regular file");
	if (state.st_nlink != 1)
		return refuse(walk, "HARD_LINK", "the file has more than one name (hard links)");
	bytes = (uint64_t)state.st_size;
	if (bytes > walk->bytes_left) {
		char message[128];
		snprintf(message, sizeof message, "its %llu bytes are too many: all files together may have %llu",
			 (unsigned long long)bytes, (unsigned long long)walk->max_bytes);
		return refuse(walk, "TOO_LARGE", message);
	}
	walk->bytes_left -= bytes;
	if (connection_room(walk->connection) < FRAME_DATA_BYTES_MAX &&
	    !connection_drain(walk->connection, COLLECT_STALL_MS))
		return false;
	return frame_send_file(walk->connection, bytes, walk->path) && send_content(walk, fd, bytes);
}

/* Whatever is not a folder. Its kind is looked at before it is opened, as opening alone can have effects, and after, as names can change. */
static bool send_entry(struct walk *walk, int folder, const char *name)
{
	struct stat state;
	int fd;
	bool sent;

	if (fstatat(folder, name, &state, AT_SYMLINK_NOFOLLOW) != 0)
		return refuse_unreadable(walk, "file", errno);
	if (S_ISLNK(state.st_mode))
		return refuse(walk, "SYMLINK", "it is a symbolic link; links are not followed");
	if (!S_ISREG(state.st_mode))
		return refuse(walk, "NOT_REGULAR", "it is a pipe, socket or device");
	fd = k_openat2(folder, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY, RESOLVE);
	if (fd < 0)
		return errno == ELOOP ? refuse(walk, "SYMLINK", "it is a symbolic link; links are not followed") :
					refuse_unreadable(walk, "file", errno);
	sent = send_open_file(walk, fd);
	close(fd);
	return sent;
}

static void free_level(struct level *level)
{
	if (level->fd >= 0)
		close(level->fd);
	names_free(&level->names);
}

static bool push_level(struct walk *walk, struct level level)
{
	if (walk->depth == walk->capacity) {
		size_t capacity = walk->capacity * 2 + 16;
		struct level *grown = realloc(walk->levels, capacity * sizeof *grown);
		if (grown == NULL)
			return false;
		walk->levels = grown;
		walk->capacity = capacity;
	}
	walk->levels[walk->depth++] = level;
	if (walk->depth > OPEN_LEVELS) {
		struct level *far = &walk->levels[walk->depth - 1 - OPEN_LEVELS];
		if (far->fd >= 0)
			close(far->fd);
		far->fd = -1;
	}
	return true;
}

/* Begins the folder that walk->path names; `fd` is taken over. False only when the client is gone. */
static bool enter_folder(struct walk *walk, int fd)
{
	struct level level = {.fd = fd, .path_length = strlen(walk->path)};

	if (!names_read(&level.names, fd, walk->entries_left) || !push_level(walk, level)) {
		int error = errno;
		free_level(&level);
		return refuse_unreadable(walk, "folder", error);
	}
	walk->entries_left -= level.names.count;
	if (!level.names.more || walk->told_too_many)
		return true;
	walk->told_too_many = true;
	return refuse(walk, "TOO_MANY", "the output folders have too many entries; some from here on are left out");
}

/* The descriptor of the deepest folder, opened anew when it had been closed on the way down. */
static int level_fd(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];

	if (level->fd < 0) {
		const char *below = walk->depth == 1 ? "." : walk->path + walk->root_length + 1;
		walk->path[level->path_length] = '\0';
		level->fd = k_openat2(walk->root, below, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, RESOLVE);
	}
	return level->fd;
}

/* Handles the next name of the deepest folder. */
static bool step(struct walk *walk)
{
	struct level *level = &walk->levels[walk->depth - 1];
	const char *name = level->names.sorted[level->next++];
	size_t length = strlen(name);
	int folder = level_fd(walk), fd;

	if (folder < 0) {
		level->next = level->names.count;
		return refuse_unreadable(walk, "folder", errno);
	}
	walk->path[level->path_length] = '/';
	memcpy(walk->path + level->path_length + 1, name, length + 1);
	if (level->path_length + 1 + length > COLLECT_PATH_MAX) {
		walk->path[COLLECT_PATH_MAX] = '\0';
		return refuse(walk, "UNSAFE_NAME", "the path is longer than 4096 bytes; nothing below it is taken");
	}
	if (!text_is_printable(name, length))
		return refuse(walk, "UNSAFE_NAME", "the name has control characters or is not UTF-8");
	if (!names_is_folder(name))
		return send_entry(walk, folder, name);
	fd = k_openat2(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, RESOLVE);
	return fd < 0 ? refuse_unreadable(walk, "folder", errno) : enter_folder(walk, fd);
}

static bool walk_folder(struct walk *walk, int disk_fd, const struct collect_folder *folder)
{
	bool going;

	snprintf(walk->path, sizeof walk->path, "%s", folder->path);
	walk->root_length = strlen(walk->path);
	walk->root = k_openat2(disk_fd, folder->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, RESOLVE);
	if (walk->root < 0)
		return refuse_unreadable(walk, "folder", errno);
	int fd = fcntl(walk->root, F_DUPFD_CLOEXEC, 0);
	going = fd < 0 ? refuse_unreadable(walk, "folder", errno) : enter_folder(walk, fd);
	while (going && walk->depth > 0) {
		struct level *level = &walk->levels[walk->depth - 1];
		if (level->next < level->names.count) {
			going = step(walk);
		} else {
			free_level(level);
			walk->depth--;
		}
	}
	while (walk->depth > 0)
		free_level(&walk->levels[--walk->depth]);
	close(walk->root);
	return going;
}

bool collect_outputs(struct connection *connection, const struct collect *collect)
{
	struct walk walk = {
		.connection = connection,
		.entries_left = COLLECT_ENTRIES_MAX,
		.bytes_left = collect->max_bytes,
		.max_bytes = collect->max_bytes,
	};
	bool going = true;

	for (size_t i = 0; going && i < collect->folder_count; i++)
		going = walk_folder(&walk, collect->disk_fd, &collect->folders[i]);
	free(walk.levels);
	return going && connection_drain(connection, COLLECT_STALL_MS);
}
