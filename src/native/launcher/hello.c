#include "hello.h"

#include <stdio.h>
#include <string.h>

#include "landlock.h"

static void add_controllers(struct records *records, const struct launcher *launcher)
{
	char names[64] = "";

	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++)
		if (launcher->cgroups.controllers & (1u << i))
			snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%s", names[0] ? "," : "",
				cgroup_controller_names[i]);
	records_text(records, REPORT_CONTROLLERS, names);
}

static void add_missing(struct records *records, const struct launcher *launcher)
{
	char text[128];

	if (launcher->cgroups.problem[0])
		records_text(records, REPORT_MISSING, launcher->cgroups.problem);
	for (unsigned i = 0; i < CGROUP_CONTROLLERS; i++) {
		if (launcher->cgroups.controllers & (1u << i))
			continue;
		snprintf(text, sizeof(text), "The control group controller %s is not there: its limits cannot be enforced.",
			cgroup_controller_names[i]);
		records_text(records, REPORT_MISSING, text);
	}
	if (!launcher->root) {
		snprintf(text, sizeof(text), "Not root: tasks run as user %u and group %u only, and no storage can be lent.",
			launcher->uid, launcher->gid);
		records_text(records, REPORT_MISSING, text);
	}
	if (!launcher->user_namespace)
		records_text(records, REPORT_MISSING, launcher->root ?
			"User namespaces cannot be made here: tasks run as ordinary users of the host." :
			"User namespaces cannot be made here: without root no task can be run.");
	if (!launcher->namespaces && (launcher->root || launcher->user_namespace))
		records_text(records, REPORT_MISSING, "Namespaces cannot be made here (CAP_SYS_ADMIN is missing): no task can be run.");
	if (!launcher->seccomp)
		records_text(records, REPORT_MISSING, "This kernel has no system call filters: no task can be run.");
	if (!launcher->time_namespace)
		records_text(records, REPORT_MISSING, "Time namespaces cannot be made here: tasks see the host's clocks.");
	if (launcher->landlock == 0)
		records_text(records, REPORT_MISSING, "This kernel has no Landlock (or not among its active security modules).");
	else if (launcher->landlock < LANDLOCK_ABI_LEAST)
		records_text(records, REPORT_MISSING, "The Landlock of this kernel is of no use: with its first ABI no file "
			"can be moved from one folder to another.");
}

void hello_serve(struct connection *connection, const struct launcher *launcher)
{
	static struct records records;

	records_begin(&records);
	records_text(&records, REPORT_VERSION, SOUK_LAUNCHER_VERSION);
	records_text(&records, REPORT_CGROUP, launcher->cgroups.kind ? launcher->cgroups.kind->name : "none");
	add_controllers(&records, launcher);
	records_number(&records, REPORT_ROOT, launcher->root);
	records_number(&records, REPORT_USER_NAMESPACE, launcher->user_namespace);
	records_number(&records, REPORT_SECCOMP, launcher->seccomp);
	records_number(&records, REPORT_TIME_NAMESPACE, launcher->time_namespace);
	records_number(&records, REPORT_LANDLOCK, launcher->landlock >= LANDLOCK_ABI_LEAST ? (uint64_t)launcher->landlock : 0);
	add_missing(&records, launcher);
	if (frame_send_report(connection, &records))
		frame_send_done(connection);
}
