/*
 * System calls and constants that C libraries do not all have: musl carries no <linux/…> headers, and glibc has wrappers for these
 * calls only from 2.36 on. Numbers and structures are those of the kernel's user API; each call returns -1 with errno set.
 */
#ifndef SOUK_KERNEL_H
#define SOUK_KERNEL_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

/* mount API: fsopen(2), fspick(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2) */
#define K_FSOPEN_CLOEXEC 1
#define K_FSPICK_CLOEXEC 1
#define K_FSPICK_EMPTY_PATH 8
#define K_FSCONFIG_SET_FLAG 0
#define K_FSCONFIG_SET_STRING 1
#define K_FSCONFIG_CMD_CREATE 6
#define K_FSCONFIG_CMD_RECONFIGURE 7
#define K_FSMOUNT_CLOEXEC 1
#define K_MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#define K_MOVE_MOUNT_T_EMPTY_PATH 0x00000040
#define K_OPEN_TREE_CLONE 1
#define K_OPEN_TREE_CLOEXEC O_CLOEXEC
#define K_AT_RECURSIVE 0x8000
#define K_AT_EMPTY_PATH 0x1000
#define K_MOUNT_ATTR_RDONLY 0x00000001
#define K_MOUNT_ATTR_NOSUID 0x00000002
#define K_MOUNT_ATTR_NODEV 0x00000004
#define K_MOUNT_ATTR_NOEXEC 0x00000008
#define K_MOUNT_ATTR_IDMAP 0x00100000

struct k_mount_attr {
	uint64_t attr_set;
	uint64_t attr_clr;
	uint64_t propagation;
	uint64_t userns_fd;
};

/* openat2(2) */
#define K_RESOLVE_NO_XDEV 0x01
#define K_RESOLVE_NO_MAGICLINKS 0x02
#define K_RESOLVE_NO_SYMLINKS 0x04
#define K_RESOLVE_BENEATH 0x08

struct k_open_how {
	uint64_t flags;
	uint64_t mode;
	uint64_t resolve;
};

/* clone3(2), namespaces(7) */
#define K_CLONE_PIDFD 0x00001000ull
#define K_CLONE_NEWNS 0x00020000ull
#define K_CLONE_NEWCGROUP 0x02000000ull
#define K_CLONE_NEWUTS 0x04000000ull
#define K_CLONE_NEWIPC 0x08000000ull
#define K_CLONE_NEWUSER 0x10000000ull
#define K_CLONE_NEWPID 0x20000000ull
#define K_CLONE_NEWNET 0x40000000ull
#define K_CLONE_INTO_CGROUP 0x200000000ull

struct k_clone_args {
	uint64_t flags;
	uint64_t pidfd;
	uint64_t child_tid;
	uint64_t parent_tid;
	uint64_t exit_signal;
	uint64_t stack;
	uint64_t stack_size;
	uint64_t tls;
	uint64_t set_tid;
	uint64_t set_tid_size;
	uint64_t cgroup;
};

#define K_CLOSE_RANGE_CLOEXEC 4u
#define K_P_PIDFD 3

/* capset(2), PR_SET_SECUREBITS of prctl(2) */
#define K_SECBIT_NO_SETUID_FIXUP 0x4
#define K_CAPABILITY_VERSION_3 0x20080522u

struct k_cap_header {
	uint32_t version;
	int pid;
};

struct k_cap_data {
	uint32_t effective;
	uint32_t permitted;
	uint32_t inheritable;
};

/* keyctl(2) */
#define K_KEYCTL_JOIN_SESSION_KEYRING 1

static inline int k_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, K_FSOPEN_CLOEXEC);
}

/* The context stands for a change of the file system whose mount's root `fd` is. */
static inline int k_fspick(int fd)
{
	return (int)syscall(SYS_fspick, fd, "", K_FSPICK_CLOEXEC | K_FSPICK_EMPTY_PATH);
}

static inline int k_fsconfig(int context, unsigned command, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, context, command, key, value, 0);
}

static inline int k_fsmount(int context, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, context, K_FSMOUNT_CLOEXEC, attributes);
}

static inline int k_open_tree(int folder, const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, folder, path, flags);
}

static inline int k_move_mount(int from, const char *from_path, int to, const char *to_path, unsigned flags)
{
	return (int)syscall(SYS_move_mount, from, from_path, to, to_path, flags);
}

static inline int k_mount_setattr(int folder, const char *path, unsigned flags, struct k_mount_attr *attributes)
{
	return (int)syscall(SYS_mount_setattr, folder, path, flags, attributes, sizeof(*attributes));
}

static inline int k_openat2(int folder, const char *path, uint64_t flags, uint64_t resolve)
{
	struct k_open_how how = { .flags = flags | O_CLOEXEC, .resolve = resolve };
	int fd;

	/* EAGAIN: a rename or mount raced with the walk; see openat2(2). */
	for (int attempt = 0; attempt < 16; attempt++) {
		fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}

static inline int k_pivot_root(const char *new_root, const char *put_old)
{
	return (int)syscall(SYS_pivot_root, new_root, put_old);
}

static inline int k_pidfd_send_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

static inline int k_close_range(unsigned first, unsigned last, unsigned flags)
{
	return (int)syscall(SYS_close_range, first, last, flags);
}

/*
 * fork(2) with clone3's flags: without CLONE_VM, so parent and child have a memory of their own. The C library does not know of it: nothing may be
 * used afterwards that relies on a cached thread id (raise(3), locks of stdio).
 */
static inline pid_t k_clone3(struct k_clone_args *arguments)
{
	return (pid_t)syscall(SYS_clone3, arguments, sizeof(*arguments));
}

static inline int k_capset(const struct k_cap_header *header, const struct k_cap_data data[2])
{
	return (int)syscall(SYS_capset, header, data);
}

#endif
