#include "notify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "seccomp.h"
#include "syscall_numbers.h"
#include "watch.h"

/* The kernel's user API (linux/seccomp.h), as musl has no such header. */
struct notification {
	uint64_t id;
	uint32_t pid;
	uint32_t flags;
	int32_t number;
	uint32_t architecture;
	uint64_t instruction_pointer;
	uint64_t arguments[6];
};

struct answer {
	uint64_t id;
	int64_t value;
	int32_t error;
	uint32_t flags;
};

#define RECEIVE _IOWR('!', 0, struct notification)
#define SEND _IOWR('!', 1, struct answer)

static const struct {
	uint32_t number;
	const char *name;
} names[] = {
#include "syscall-names.h"
};

void notify_open(struct notify *notify, int fd)
{
	notify->fd = fd;
	notify->counts = fd >= 0;
	notify->left = NOTIFY_BURST;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		close(notify->fd);
	notify->fd = -1;
	notify->resume_ns = 0;
}

struct pollfd notify_watch(struct notify *notify)
{
	if (notify->resume_ns && watch_now_ns() >= notify->resume_ns) {
		notify->resume_ns = 0;
		notify->left = NOTIFY_PER_PAUSE;
	}
	return (struct pollfd){ .fd = notify->resume_ns ? -1 : notify->fd, .events = POLLIN };
}

int notify_timeout_ms(const struct notify *notify)
{
	uint64_t now_ns;

	if (!notify->resume_ns)
		return -1;
	now_ns = watch_now_ns();
	return now_ns >= notify->resume_ns ? 0 : (int)((notify->resume_ns - now_ns) / 1000000) + 1;
}

static void count(struct notify *notify, int32_t number)
{
	notify->total++;
	if (number >= 0 && number < NOTIFY_NUMBERS)
		notify->by_number[number]++;
}

void notify_serve(struct notify *notify, short revents)
{
	struct notification notification;
	struct answer answer = { 0 };

	if (!revents || notify->fd < 0)
		return;
	/* Nobody is left who could make a call. */
	if (!(revents & POLLIN)) {
		notify_close(notify);
		return;
	}
	/* Does not wait: poll(2) has seen a call, and one that is taken back leaves its turn behind (ENOENT). The kernel wants zeros. */
	memset(&notification, 0, sizeof(notification));
	if (ioctl(notify->fd, RECEIVE, &notification) == 0) {
		count(notify, notification.number);
		answer.id = notification.id;
		answer.error = -seccomp_denied_errno();
		/* ENOENT: killed meanwhile. */
		ioctl(notify->fd, SEND, &answer);
	}
	if (--notify->left == 0)
		notify->resume_ns = watch_now_ns() + (uint64_t)NOTIFY_PAUSE_MS * 1000000;
}

static void add_call(struct records *records, uint32_t number, uint64_t times)
{
	char text[64];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == number) {
			snprintf(text, sizeof(text), "%.40s %llu", names[i].name, (unsigned long long)times);
			records_text(records, REPORT_SECCOMP_CALL, text);
			return;
		}
	}
	snprintf(text, sizeof(text), "syscall_%u %llu", number, (unsigned long long)times);
	records_text(records, REPORT_SECCOMP_CALL, text);
}

void notify_report(const struct notify *notify, struct records *records)
{
	bool named[NOTIFY_NUMBERS] = { false };

	if (!notify->counts)
		return;
	records_number(records, REPORT_SECCOMP_DENIED, notify->total);
	for (int i = 0; i < NOTIFY_NAMED; i++) {
		uint32_t most = NOTIFY_NUMBERS;

		for (uint32_t number = 0; number < NOTIFY_NUMBERS; number++)
			if (notify->by_number[number] && !named[number] &&
			    (most == NOTIFY_NUMBERS || notify->by_number[number] > notify->by_number[most]))
				most = number;
		if (most == NOTIFY_NUMBERS)
			return;
		named[most] = true;
		add_call(records, most, notify->by_number[most]);
	}
}
