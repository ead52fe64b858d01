#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"

/* Numbers and structures of the kernel's user API (linux/landlock.h), which build hosts with older headers lack. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1u

enum {
	EXECUTE = 1 << 0,
	WRITE_FILE = 1 << 1,
	READ_FILE = 1 << 2,
	READ_DIR = 1 << 3,
	MAKE_CHAR = 1 << 6,
	MAKE_BLOCK = 1 << 11,
	ALL_OF_ABI_1 = (1 << 13) - 1,
	REFER = 1 << 13,     /* ABI 2 */
	TRUNCATE = 1 << 14,  /* ABI 3 */
	IOCTL_DEV = 1 << 15, /* ABI 5 */

	READ = EXECUTE | READ_FILE | READ_DIR,
	WRITE = (ALL_OF_ABI_1 | REFER | TRUNCATE) & ~(MAKE_CHAR | MAKE_BLOCK),
	DEVICES = WRITE_FILE | TRUNCATE,
};

enum { NET_BIND_TCP = 1 << 0, NET_CONNECT_TCP = 1 << 1 };            /* ABI 4 */
enum { SCOPE_ABSTRACT_UNIX_SOCKET = 1 << 0, SCOPE_SIGNAL = 1 << 1 }; /* ABI 6 */

struct ruleset_attr {
	uint64_t access_fs;
	uint64_t access_net;
	uint64_t scoped;
};

struct path_beneath_attr {
	uint64_t access;
	int32_t parent;
} __attribute__((packed));

/* What is named here is forbidden unless a rule allows it. An older kernel takes a larger structure only if what it does not know is 0. */
static struct ruleset_attr handled(int abi)
{
	return (struct ruleset_attr){
		.access_fs = ALL_OF_ABI_1 | REFER | (abi >= 3 ? TRUNCATE : 0) | (abi >= 5 ? IOCTL_DEV : 0),
		.access_net = abi >= 4 ? NET_BIND_TCP | NET_CONNECT_TCP : 0,
		.scoped = abi >= 6 ? SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL : 0,
	};
}

struct confinement {
	int ruleset;
	uint64_t handled;
	dev_t disk;
};

static bool allow(const struct confinement *confinement, int folder, uint64_t access)
{
	struct path_beneath_attr rule = { .access = access & confinement->handled, .parent = folder };

	return syscall(SYS_landlock_add_rule, confinement->ruleset, RULE_PATH_BENEATH, &rule, 0) == 0;
}

/* A folder that the task cannot come to needs no rule, and one that is not on the disk gets none. */
static bool allow_writes(struct confinement *confinement, const char *path, bool is_disk)
{
	int folder = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;
	bool done;

	if (folder < 0)
		return errno == EACCES && !is_disk;
	done = fstat(folder, &status) == 0;
	if (done && is_disk)
		confinement->disk = status.st_dev;
	if (done && status.st_dev == confinement->disk)
		done = allow(confinement, folder, WRITE);
	close(folder);
	return done;
}

static bool allow_beneath(const struct confinement *confinement, const char *path, uint64_t access)
{
	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool done = folder >= 0 ? allow(confinement, folder, access) : errno == ENOENT;

	if (folder >= 0)
		close(folder);
	return done;
}

static bool add_rules(struct confinement *confinement, const struct request *request)
{
	/* Rules add up: in a writable root what must not be written to is left to the mounts. */
	if (!allow_beneath(confinement, "/", request->root_writable ? WRITE : READ) || !allow_beneath(confinement, "/dev", DEVICES) ||
	    !allow_beneath(confinement, "/dev/mqueue", WRITE) ||
	    !allow_writes(confinement, "/tmp", true) || !allow_writes(confinement, "/dev/shm", false) ||
	    !allow_writes(confinement, request->workdir, false))
		return false;
	for (size_t i = 0; i < request->output_count; i++)
		if (!allow_writes(confinement, request->outputs[i], false))
			return false;
	return true;
}

int landlock_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

bool landlock_confine(int abi, const struct request *request, struct failure *failure)
{
	const struct ruleset_attr attributes = handled(abi);
	struct confinement confinement = { .handled = attributes.access_fs };
	bool done;

	if (abi < LANDLOCK_ABI_LEAST)
		return true;
	confinement.ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	done = confinement.ruleset >= 0 && add_rules(&confinement, request) &&
		syscall(SYS_landlock_restrict_self, confinement.ruleset, 0) == 0;
	if (!done)
		failure_set(failure, BLAME_HOST, "landlock", errno, "The task cannot be confined to its folders");
	if (confinement.ruleset >= 0)
		close(confinement.ruleset);
	return done;
}
