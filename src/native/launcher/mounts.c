#include "mounts.h"

#include <sys/mount.h>
#include <unistd.h>

#include "kernel.h"

static bool configure(int context, const struct mount_option *options)
{
	for (; options->key; options++)
		if (k_fsconfig(context, options->value ? K_FSCONFIG_SET_STRING : K_FSCONFIG_SET_FLAG, options->key,
			       options->value) < 0)
			return false;
	return k_fsconfig(context, K_FSCONFIG_CMD_CREATE, NULL, NULL) == 0;
}

int mounts_new(const char *type, const struct mount_option *options, unsigned attributes)
{
	int context = k_fsopen(type), mount = -1, error;

	if (context < 0)
		return -1;
	if (configure(context, options))
		mount = k_fsmount(context, attributes);
	error = errno;
	close(context);
	errno = error;
	return mount;
}

int mounts_copy(int folder, const char *path, bool recursive)
{
	return k_open_tree(folder, path,
		K_OPEN_TREE_CLONE | K_OPEN_TREE_CLOEXEC | K_AT_EMPTY_PATH | (recursive ? K_AT_RECURSIVE : 0));
}

bool mounts_change(int mount, uint64_t set, uint64_t clear, bool recursive)
{
	struct k_mount_attr attributes = { .attr_set = set, .attr_clr = clear, .propagation = MS_PRIVATE };

	return k_mount_setattr(mount, "", K_AT_EMPTY_PATH | (recursive ? K_AT_RECURSIVE : 0), &attributes) == 0;
}

bool mounts_attach(int mount, int folder, const char *path)
{
	return k_move_mount(mount, "", folder, path,
		K_MOVE_MOUNT_F_EMPTY_PATH | (*path ? 0u : K_MOVE_MOUNT_T_EMPTY_PATH)) == 0;
}
