#include "slot.h"

bool slot_prepare(struct slot *slot, const struct launcher *launcher, struct failure *failure)
{
	/* Init works while the control group is made. */
	if (!sandbox_start(&slot->sandbox, launcher, failure))
		return false;
	if (cgroup_make(&slot->cgroup, &launcher->cgroups, failure))
		return true;
	sandbox_close(&slot->sandbox);
	return false;
}

bool slot_is_prepared(const struct slot *slot)
{
	return slot->sandbox.pidfd >= 0;
}

bool slot_discard(struct slot *slot)
{
	sandbox_close(&slot->sandbox);
	return cgroup_remove(&slot->cgroup);
}
