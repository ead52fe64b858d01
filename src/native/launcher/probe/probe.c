/*
 * Hits one limit, or looks at one wall, of the sandbox that it runs in: what is offered has been seen to hold. It does nothing outside of a
 * sandbox, where its process number would be large.
 *
 *     souk-probe walls UID [FOLDER [SECCOMP]]
 *                                 0 when every wall stands and FOLDER can be written to, else says what is not so; SECCOMP
 *                                 is the mode of the filter, 2 where it is not given
 *     souk-probe spin [MS]        computes for so long, or for ever, on the first processor
 *     souk-probe sleep            does nothing, for ever
 *     souk-probe memory BYTES     takes and touches so much
 *     souk-probe fork MOST        makes processes until that is refused; 0 when it was refused at MOST of them
 *     souk-probe disk BYTES       writes a file until that fails; 0 when it failed after BYTES
 *     souk-probe inodes MOST      makes files until that fails; 0 when it failed at MOST of them
 *     souk-probe files MOST       opens descriptors until that fails; 0 when it failed at MOST of them, the standard ones included
 *     souk-probe stack BYTES      uses so much stack
 *     souk-probe print            writes for ever
 *     souk-probe change FILE      makes a folder in its root and removes FILE from it; 0 when that is done
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_SANDBOX_PID = 64, BLOCK_BYTES = 4096, MOST_TRIES = 100000, USAGE = 2, NOT_MET = 3 };

/* Kept where others could see it, so that the compiler cannot do without what is computed. */
static volatile unsigned char sink;

static int missing(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	return 1;
}

/* What a root that can be changed allows, where its disk has no room for what is in files. */
static int change_root(const char *program)
{
	struct stat status;
	int file;

	if (mkdir("/folder", 0700) < 0 || (file = open("/folder/file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600)) < 0)
		return NOT_MET;
	if (write(file, "x", 1) >= 0 || (errno != ENOSPC && errno != EFBIG))
		return NOT_MET;
	/* What belongs to somebody else on the host is the task's in here. */
	if (stat(program, &status) < 0 || status.st_uid != getuid() || status.st_gid != getgid())
		return NOT_MET;
	return unlink(program) == 0 && access(program, F_OK) < 0 ? 0 : NOT_MET;
}

/* The value of a line of /proc/self/status; 0 when there is none. */
static bool status_line(const char *name, char *value, size_t size)
{
	char line[512];
	size_t length = strlen(name);
	bool found = false;
	FILE *status = fopen("/proc/self/status", "re");

	if (status == NULL)
		return false;
	while (!found && fgets(line, sizeof line, status) != NULL) {
		if (strncmp(line, name, length) != 0 || line[length] != ':')
			continue;
		line[strcspn(line, "\n")] = '\0';
		snprintf(value, size, "%s", line + length + 1 + strspn(line + length + 1, "\t "));
		found = true;
	}
	fclose(status);
	return found;
}

static int expect_status(const char *name, const char *expected)
{
	char value[256];

	if (!status_line(name, value, sizeof value))
		return missing("/proc/self/status has no %s", name);
	if (strcmp(value, expected) != 0)
		return missing("%s is %s, not %s", name, value, expected);
	return 0;
}

static int look_at_network(void)
{
	char line[512];
	int lines = 0;
	FILE *devices = fopen("/proc/net/dev", "re");

	if (devices == NULL)
		return 0;
	while (fgets(line, sizeof line, devices) != NULL) {
		/* Two lines are headings. */
		if (++lines > 2 && strstr(line, " lo:") == NULL) {
			fclose(devices);
			return missing("there is a network device besides lo");
		}
	}
	fclose(devices);
	return 0;
}

/* Whether a file can be made in a folder; it is removed again. */
static bool can_make_file(const char *folder)
{
	char path[PATH_MAX];
	int file;

	if ((size_t)snprintf(path, sizeof path, "%s/.souk-probe", folder) >= sizeof path)
		return false;
	file = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (file < 0)
		return false;
	close(file);
	unlink(path);
	return true;
}

static bool is_file(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

/* Whether it is of the same file system as /tmp. */
static bool is_of_disk(const char *path)
{
	struct stat status, disk;

	return stat(path, &status) == 0 && stat("/tmp", &disk) == 0 && status.st_dev == disk.st_dev;
}

static bool is_one_of(const char *path, const char *const *list)
{
	for (; *list != NULL; list++)
		if (strcmp(path, *list) == 0)
			return true;
	return false;
}

/* What is mounted is all there is to write to: only what the disk of the task holds may be. */
static int look_at_mounts(const char *folder)
{
	/* Message queues are memory of the kernel's, which counts it. */
	const char *const counted[] = {"/tmp", "/dev/shm", "/dev/mqueue", folder, NULL};
	char line[PATH_MAX + 512], point[PATH_MAX];
	FILE *mounts = fopen("/proc/self/mountinfo", "re");

	if (mounts == NULL)
		return missing("/proc/self/mountinfo cannot be read");
	while (fgets(line, sizeof line, mounts) != NULL) {
		if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1 || is_one_of(point, counted) || is_of_disk(point))
			continue;
		if (can_make_file(point) || (access(point, W_OK) == 0 && is_file(point))) {
			fclose(mounts);
			return missing("%s can be written to, and is not counted", point);
		}
	}
	fclose(mounts);
	return 0;
}

static int walls(const char *uid, const char *folder, const char *seccomp)
{
	/* Ambient ones are among those (capabilities(7)), and not every kernel has a line for them. */
	static const char *const none[] = {"CapInh", "CapPrm", "CapEff", "CapBnd"};
	char ids[128];

	for (int descriptor = 3; descriptor < 1024; descriptor++)
		if (fcntl(descriptor, F_GETFD) >= 0)
			return missing("descriptor %d is open", descriptor);
	for (size_t i = 0; i < sizeof none / sizeof *none; i++)
		if (expect_status(none[i], "0000000000000000") != 0)
			return 1;
	snprintf(ids, sizeof ids, "%s\t%s\t%s\t%s", uid, uid, uid, uid);
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		return missing("no_new_privs is not set");
	if (expect_status("Seccomp", seccomp) != 0 || expect_status("Uid", ids) != 0)
		return 1;
	if (open("/souk-probe", O_CREAT | O_WRONLY | O_CLOEXEC, 0600) >= 0)
		return missing("the root can be written to");
	if (open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0)
		return missing("there is an /etc/shadow that can be read");
	if (folder != NULL && !can_make_file(folder))
		return missing("%s cannot be written to", folder);
	return look_at_mounts(folder) != 0 ? 1 : look_at_network();
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static int spin(long long ms)
{
	long long end = now_ms() + ms;
	cpu_set_t first;

	/* Where two weigh against each other, they have to be in each other's way. */
	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (ms > 0)
		(void)sched_setaffinity(0, sizeof first, &first);
	while (ms == 0 || now_ms() < end)
		for (int i = 0; i < 100000; i++)
			sink = (unsigned char)(sink + i);
	return 0;
}

static int take_memory(size_t bytes)
{
	unsigned char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return NOT_MET;
	for (size_t i = 0; i < bytes; i += BLOCK_BYTES)
		memory[i] = 1;
	sink = memory[bytes - 1];
	return 0;
}

static int fork_until_refused(int most)
{
	for (int made = 0; made < MOST_TRIES && made <= most; made++) {
		pid_t child = fork();
		if (child < 0)
			return errno == EAGAIN && made == most ? 0 : NOT_MET;
		if (child == 0) {
			pause();
			_exit(0);
		}
	}
	return NOT_MET;
}

static int fill_disk(long long expected)
{
	static char block[BLOCK_BYTES];
	long long written = 0;
	int file = open("/tmp/probe", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	if (file < 0)
		return NOT_MET;
	memset(block, 'x', sizeof block);
	while (written <= expected) {
		ssize_t now = write(file, block, sizeof block);
		if (now < 0)
			return (errno == ENOSPC || errno == EFBIG) && written == expected ? 0 : NOT_MET;
		written += now;
	}
	return NOT_MET;
}

static int make_files(int most)
{
	char path[64];

	for (int made = 0; made < MOST_TRIES; made++) {
		int file;

		snprintf(path, sizeof path, "/tmp/%d", made);
		file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
		if (file < 0)
			return errno == ENOSPC && made == most ? 0 : NOT_MET;
		close(file);
	}
	return NOT_MET;
}

static int open_files(int most)
{
	for (int open_now = 3; open_now < MOST_TRIES; open_now++)
		if (dup(1) < 0)
			return errno == EMFILE && open_now == most ? 0 : NOT_MET;
	return NOT_MET;
}

static int use_stack(long long bytes)
{
	volatile unsigned char block[BLOCK_BYTES];

	block[0] = (unsigned char)bytes;
	if (bytes > BLOCK_BYTES && use_stack(bytes - BLOCK_BYTES) != 0)
		return NOT_MET;
	sink = block[0];
	return 0;
}

static int print(void)
{
	static char block[BLOCK_BYTES];

	memset(block, 'x', sizeof block);
	while (write(1, block, sizeof block) >= 0)
		continue;
	return NOT_MET;
}

static int sleep_on(void)
{
	while (pause() < 0)
		continue;
	return NOT_MET;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	const char *argument = argc > 2 ? argv[2] : "0";
	long long number = strtoll(argument, NULL, 10);

	if (getpid() > LARGEST_SANDBOX_PID) {
		fprintf(stderr, "souk-probe runs in a sandbox only\n");
		return USAGE;
	}
	if (strcmp(mode, "walls") == 0)
		return walls(argument, argc > 3 ? argv[3] : NULL, argc > 4 ? argv[4] : "2");
	if (strcmp(mode, "spin") == 0)
		return spin(number);
	if (strcmp(mode, "sleep") == 0)
		return sleep_on();
	if (strcmp(mode, "memory") == 0)
		return take_memory((size_t)number);
	if (strcmp(mode, "fork") == 0)
		return fork_until_refused((int)number);
	if (strcmp(mode, "disk") == 0)
		return fill_disk(number);
	if (strcmp(mode, "inodes") == 0)
		return make_files((int)number);
	if (strcmp(mode, "files") == 0)
		return open_files((int)number);
	if (strcmp(mode, "stack") == 0)
		return use_stack(number);
	if (strcmp(mode, "print") == 0)
		return print();
	if (strcmp(mode, "change") == 0)
		return change_root(argument);
	fprintf(stderr, "souk-probe: there is no %s\n", mode);
	return USAGE;
}
