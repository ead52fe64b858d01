#include "request_path.h"

#include <string.h>

enum { COMPONENT_BYTES_MAX = 255 };

bool request_path_is_normal(const char *path)
{
	if (path[0] != '/')
		return false;
	if (path[1] == '\0')
		return true;
	for (const char *at = path; *at != '\0';) {
		const char *name = at + 1;
		size_t length = strcspn(name, "/");

		if (length == 0 || length > COMPONENT_BYTES_MAX)
			return false;
		if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')))
			return false;
		at = name + length;
	}
	return true;
}

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

bool request_path_is_reserved(const char *path)
{
	return path[1] == '\0' || is_below(path, "/proc") || is_below(path, "/dev");
}
