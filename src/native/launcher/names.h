/* The names in a folder, sorted so that a walk in their order meets paths in byte order. */
#ifndef SOUK_NAMES_H
#define SOUK_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct names {
	char *block;          /* kind byte, name, NUL; repeated */
	const char **sorted;  /* into block: only these may be given to names_is_folder() */
	size_t count;
	bool more;            /* the folder has more names than were asked for */
};

/* Reads at most `most` names of the folder `fd` (readable), without '.' and '..'. False with errno set and nothing to free. */
bool names_read(struct names *names, int fd, size_t most);
/* Whether the folder said that this entry is a folder itself. */
bool names_is_folder(const char *name);
/* A second call does nothing. */
void names_free(struct names *names);

#endif
