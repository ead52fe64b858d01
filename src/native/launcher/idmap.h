/* Mounts on which two owners have changed places, see mount_setattr(2) on idmapped mounts. */
#ifndef SOUK_IDMAP_H
#define SOUK_IDMAP_H

#include <stdbool.h>
#include <sys/types.h>

/* Whom a file belongs to. */
struct idmap_owner {
	uid_t uid;
	gid_t gid;
};

/*
 * On `mount`, which is detached and nobody has used, what belongs to `one` belongs to `other`, and the other way round; everybody else stays who
 * he is. Needs root and a /proc that this process is in. False with errno: EINVAL where the file system or the kernel cannot do this.
 */
bool idmap_swap(int mount, struct idmap_owner one, struct idmap_owner other);

#endif
