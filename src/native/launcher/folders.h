/* After a run: mount points that were made in output folders are no results. */
#ifndef SOUK_FOLDERS_H
#define SOUK_FOLDERS_H

#include "request.h"

/* Removes, from the disk of a sandbox that is dead, the empty files that BINDs inside an OUTPUT were mounted on. */
void folders_forget_binds(int disk_fd, const struct request *request);

#endif
