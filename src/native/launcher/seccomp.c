#include "seccomp.h"

#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "seccomp_rule.h"
#include "syscall_numbers.h"

/* The kernel's user API (linux/filter.h, linux/seccomp.h, linux/audit.h), as musl has no such headers. */
#define RET_KILL_PROCESS 0x80000000u
#define RET_ERRNO 0x00050000u
#define RET_USER_NOTIF 0x7fc00000u
#define RET_ACTION 0xffff0000u
#define RET_DATA 0x0000ffffu
#define RET_ALLOW 0x7fff0000u
#define SET_MODE_FILTER 1
#define GET_ACTION_AVAIL 2
#define GET_NOTIF_SIZES 3
#define NEW_LISTENER 8u
#define WAIT_KILLABLE_RECV 32u
#if defined(__x86_64__)
#define ARCHITECTURE 0xC000003Eu
#elif defined(__aarch64__)
#define ARCHITECTURE 0xC00000B7u
#else
#error "the system call filter knows x86_64 and aarch64 only"
#endif
#if __BYTE_ORDER != __LITTLE_ENDIAN
#error "the system call filter reads arguments as little-endian"
#endif

#include "seccomp-rules.h"

_Static_assert((SECCOMP_DEFAULT_ACTION & RET_ACTION) == RET_ERRNO, "what is on no list has to fail");

struct instruction {
	uint16_t code;
	uint8_t if_true, if_false;
	uint32_t value;
};

struct program {
	uint16_t length;
	struct instruction *instructions;
};

/* What the kernel hands to a filter. */
struct call {
	int32_t number;
	uint32_t architecture;
	uint64_t instruction_pointer;
	uint64_t arguments[6];
};

enum {
	LOAD = 0x20,        /* BPF_LD | BPF_W | BPF_ABS */
	AND = 0x54,         /* BPF_ALU | BPF_AND | BPF_K */
	JUMP = 0x05,        /* BPF_JMP | BPF_JA */
	JUMP_EQ = 0x15,     /* BPF_JMP | BPF_JEQ | BPF_K */
	JUMP_GT = 0x25,
	JUMP_GE = 0x35,
	RETURN = 0x06,      /* BPF_RET | BPF_K */
	INSTRUCTIONS_MAX = 4096,
	RULES_MAX = 1024,
	REFUSE = 0xFF,      /* a jump target that is set when the end of the rule is known */
};

/* Numbers from `first` up to the next range: rules[at .. at+count), or the default when count is 0. */
struct range {
	uint32_t first;
	uint16_t at, count;
};

static struct instruction instructions[INSTRUCTIONS_MAX];
static struct program program = {.instructions = instructions};
/* For what is on no list, and the flags to install a filter with that does it. */
static uint32_t denial;
static unsigned install_flags;
static bool too_long;

static void emit(uint16_t code, uint32_t value, uint8_t if_true, uint8_t if_false)
{
	if (program.length == INSTRUCTIONS_MAX) {
		too_long = true;
		return;
	}
	instructions[program.length++] =
		(struct instruction){.code = code, .value = value, .if_true = if_true, .if_false = if_false};
}

static void emit_load_half(const struct seccomp_argument *argument, bool high)
{
	emit(LOAD, (uint32_t)(offsetof(struct call, arguments) + argument->index * 8 + (high ? 4 : 0)), 0, 0);
}

/*
 * Compares an argument in two halves, as the machine of the filter has 32 bits. Falls through when it compares, else jumps to REFUSE. Jumps that
 * skip the low half go past the load and the one comparison after it.
 */
static void emit_comparison(const struct seccomp_argument *argument)
{
	uint32_t high = (uint32_t)(argument->value >> 32), low = (uint32_t)argument->value;

	switch (argument->operator) {
	case OP_EQ:
		emit_load_half(argument, true);
		emit(JUMP_EQ, high, 0, REFUSE);
		emit_load_half(argument, false);
		emit(JUMP_EQ, low, 0, REFUSE);
		return;
	case OP_MASKED_EQ:
		if (argument->mask >> 32 != 0) {
			emit_load_half(argument, true);
			emit(AND, (uint32_t)(argument->mask >> 32), 0, 0);
			emit(JUMP_EQ, high, 0, REFUSE);
		}
		emit_load_half(argument, false);
		emit(AND, (uint32_t)argument->mask, 0, 0);
		emit(JUMP_EQ, low, 0, REFUSE);
		return;
	case OP_NE:
		emit_load_half(argument, true);
		emit(JUMP_EQ, high, 0, 2);
		emit_load_half(argument, false);
		emit(JUMP_EQ, low, REFUSE, 0);
		return;
	case OP_GT:
	case OP_GE:
		emit_load_half(argument, true);
		emit(JUMP_GT, high, 3, 0);
		emit(JUMP_EQ, high, 0, REFUSE);
		emit_load_half(argument, false);
		emit(argument->operator == OP_GT ? JUMP_GT : JUMP_GE, low, 0, REFUSE);
		return;
	case OP_LT:
	case OP_LE:
		emit_load_half(argument, true);
		emit(JUMP_GT, high, REFUSE, 0);
		emit(JUMP_EQ, high, 0, 2);
		emit_load_half(argument, false);
		emit(argument->operator == OP_LT ? JUMP_GE : JUMP_GT, low, REFUSE, 0);
		return;
	}
}

static void emit_rule(const struct seccomp_rule *rule)
{
	size_t first = program.length;

	for (size_t i = 0; i < rule->argument_count; i++)
		emit_comparison(&rule->arguments[i]);
	emit(RETURN, rule->action, 0, 0);
	for (size_t at = first; at < program.length; at++) {
		uint8_t to_end = (uint8_t)(program.length - at - 1);
		if (instructions[at].if_true == REFUSE)
			instructions[at].if_true = to_end;
		if (instructions[at].if_false == REFUSE)
			instructions[at].if_false = to_end;
	}
}

/* The end of a search: the number is in this range. */
static void emit_range(const struct seccomp_rule *const *rules, const struct range *range)
{
	for (size_t i = 0; i < range->count; i++) {
		emit_rule(rules[range->at + i]);
		if (rules[range->at + i]->argument_count == 0)
			return;
	}
	emit(RETURN, denial, 0, 0);
}

/* A binary search over ranges[0 .. count) for the number in the accumulator. */
static void emit_search(const struct seccomp_rule *const *rules, const struct range *ranges, size_t count)
{
	size_t middle = count / 2, test = program.length, lower;

	if (count == 1) {
		emit_range(rules, ranges);
		return;
	}
	/* number >= middle: over the lower half; that may be farther than a conditional jump reaches. */
	emit(JUMP_GE, ranges[middle].first, 0, 1);
	emit(JUMP, 0, 0, 0);
	emit_search(rules, ranges, middle);
	lower = program.length - test - 2;
	if (too_long)
		return;
	if (lower <= UINT8_MAX) {
		memmove(&instructions[test + 1], &instructions[test + 2], lower * sizeof *instructions);
		program.length--;
		instructions[test].if_true = (uint8_t)lower;
		instructions[test].if_false = 0;
	} else {
		instructions[test + 1].value = (uint32_t)lower;
	}
	emit_search(rules, ranges + middle, count - middle);
}

/* Sorts by number; rules for the same call stay in their order. */
static void sort_rules(const struct seccomp_rule **rules, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t at = i;
		for (; at > 0 && rules[at - 1]->number > seccomp_rules[i].number; at--)
			rules[at] = rules[at - 1];
		rules[at] = &seccomp_rules[i];
	}
}

static bool is_plain_allow(const struct seccomp_rule *const *rules, const struct range *range)
{
	return range->count > 0 && rules[range->at]->argument_count == 0 && rules[range->at]->action == RET_ALLOW;
}

static size_t make_ranges(const struct seccomp_rule *const *rules, size_t rule_count, struct range *ranges)
{
	size_t count = 0;

	ranges[count++] = (struct range){.first = 0};
	for (size_t at = 0, next; at < rule_count; at = next) {
		uint32_t number = rules[at]->number;
		struct range range = {.first = number, .at = (uint16_t)at};

		for (next = at; next < rule_count && rules[next]->number == number; next++)
			range.count++;
		if (ranges[count - 1].first == number)
			count--;
		/* Neighbours that are allowed with any arguments are one range. */
		if (count == 0 || !is_plain_allow(rules, &range) || !is_plain_allow(rules, &ranges[count - 1]))
			ranges[count++] = range;
		ranges[count++] = (struct range){.first = number + 1};
	}
	return count;
}

bool seccomp_prepare(unsigned listener_flags)
{
	static const struct seccomp_rule *rules[RULES_MAX];
	static struct range ranges[2 * RULES_MAX + 1];
	const size_t rule_count = sizeof seccomp_rules / sizeof seccomp_rules[0];
	_Static_assert(sizeof seccomp_rules / sizeof seccomp_rules[0] <= RULES_MAX, "too many rules");
	size_t range_count;

	sort_rules(rules, rule_count);
	range_count = make_ranges(rules, rule_count, ranges);
	install_flags = listener_flags;
	denial = listener_flags ? RET_USER_NOTIF : SECCOMP_DEFAULT_ACTION;
	program.length = 0;
	too_long = false;
	emit(LOAD, offsetof(struct call, architecture), 0, 0);
	emit(JUMP_EQ, ARCHITECTURE, 1, 0);
	emit(RETURN, RET_KILL_PROCESS, 0, 0);
	emit(LOAD, offsetof(struct call, number), 0, 0);
	/*
	 * A call that is newer than the list does not exist: programs that try it fall back on what they did before. This refuses the
	 * numbers of x32 too, which have a high bit set.
	 */
	emit(JUMP_GT, rules[rule_count - 1]->number, 0, 1);
	emit(RETURN, RET_ERRNO | ENOSYS, 0, 0);
	emit_search(rules, ranges, range_count);
	if (too_long)
		errno = ENOSPC;
	return !too_long;
}

bool seccomp_available(void)
{
	uint32_t action = RET_ERRNO;

	return syscall(SYS_seccomp, GET_ACTION_AVAIL, 0, &action) == 0;
}

/* A listener cannot be had beneath another one, of a container that the launcher runs in. */
static bool can_listen(unsigned flags)
{
	struct instruction allow = {.code = RETURN, .value = RET_ALLOW};
	struct program trial = {.length = 1, .instructions = &allow};
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_seccomp, SET_MODE_FILTER, flags, &trial) < 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

unsigned seccomp_listener_flags(void)
{
	struct {
		uint16_t notification, answer, call;
	} sizes;
	uint32_t action = RET_USER_NOTIF;

	/* A kernel that hands out more than is known here would write beyond it. */
	if (syscall(SYS_seccomp, GET_ACTION_AVAIL, 0, &action) < 0 || syscall(SYS_seccomp, GET_NOTIF_SIZES, 0, &sizes) < 0 ||
	    sizes.notification != 80 || sizes.answer != 24)
		return 0;
	if (can_listen(NEW_LISTENER | WAIT_KILLABLE_RECV))
		return NEW_LISTENER | WAIT_KILLABLE_RECV;
	return can_listen(NEW_LISTENER) ? NEW_LISTENER : 0;
}

int seccomp_denied_errno(void)
{
	return SECCOMP_DEFAULT_ACTION & RET_DATA;
}

bool seccomp_install(int *listener)
{
	long result;

	*listener = -1;
	if (program.length == 0) {
		errno = EINVAL;
		return false;
	}
	result = syscall(SYS_seccomp, SET_MODE_FILTER, install_flags, &program);
	if (result >= 0 && install_flags)
		*listener = (int)result;
	return result >= 0;
}
