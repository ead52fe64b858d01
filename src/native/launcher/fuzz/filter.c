/*
 * Compares the filter's program with its rules: for every number of a system call near the listed ones, and arguments at and around
 * the values in the rules, a plain interpreter of the program must come to what the rules say when read one after the other.
 * `filter SEED ROUNDS`: exits with 0, or prints the first difference and exits with 1.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../seccomp.c"

static uint64_t random_state;

/* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled" */
static uint64_t next_random(void)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717);
}

static uint32_t interpret(const struct call *call)
{
	uint32_t accumulator = 0;

	for (size_t at = 0; at < program.length; at++) {
		const struct instruction *instruction = &instructions[at];
		bool jump = false;

		switch (instruction->code) {
		case LOAD:
			if (instruction->value % 4 != 0 || instruction->value > sizeof *call - 4)
				abort();
			memcpy(&accumulator, (const char *)call + instruction->value, 4);
			continue;
		case AND:
			accumulator &= instruction->value;
			continue;
		case JUMP:
			at += instruction->value;
			continue;
		case JUMP_EQ:
			jump = accumulator == instruction->value;
			break;
		case JUMP_GT:
			jump = accumulator > instruction->value;
			break;
		case JUMP_GE:
			jump = accumulator >= instruction->value;
			break;
		case RETURN:
			return instruction->value;
		default:
			abort();
		}
		at += jump ? instruction->if_true : instruction->if_false;
	}
	abort();
}

static bool compares(const struct seccomp_argument *argument, const struct call *call)
{
	uint64_t value = call->arguments[argument->index];

	switch (argument->operator) {
	case OP_EQ:
		return value == argument->value;
	case OP_NE:
		return value != argument->value;
	case OP_MASKED_EQ:
		return (value & argument->mask) == argument->value;
	case OP_LT:
		return value < argument->value;
	case OP_LE:
		return value <= argument->value;
	case OP_GT:
		return value > argument->value;
	case OP_GE:
		return value >= argument->value;
	}
	abort();
}

static uint32_t by_rules(const struct call *call)
{
	const size_t count = sizeof seccomp_rules / sizeof seccomp_rules[0];
	uint32_t highest = 0;

	if (call->architecture != ARCHITECTURE)
		return RET_KILL_PROCESS;
	for (size_t i = 0; i < count; i++)
		if (seccomp_rules[i].number > highest)
			highest = seccomp_rules[i].number;
	if ((uint32_t)call->number > highest)
		return RET_ERRNO | ENOSYS;
	for (size_t i = 0; i < count; i++) {
		const struct seccomp_rule *rule = &seccomp_rules[i];
		bool applies = rule->number == (uint32_t)call->number;

		for (size_t j = 0; applies && j < rule->argument_count; j++)
			applies = compares(&rule->arguments[j], call);
		if (applies)
			return rule->action;
	}
	return denial;
}

/* A value at which a comparison could go wrong: near one of a rule, with other high bits, or any. */
static uint64_t some_value(void)
{
	const size_t count = sizeof seccomp_rules / sizeof seccomp_rules[0];
	const struct seccomp_rule *rule = &seccomp_rules[next_random() % count];
	uint64_t value = next_random() >> (next_random() % 64);

	if (rule->argument_count > 0 && next_random() % 4 != 0)
		value = rule->arguments[next_random() % rule->argument_count].value + next_random() % 3 - 1;
	if (next_random() % 4 == 0)
		value ^= UINT64_C(1) << (next_random() % 64);
	return next_random() % 8 == 0 ? value | (next_random() << 32) : value;
}

static bool check(const struct call *call)
{
	uint32_t got = interpret(call), wanted = by_rules(call);

	if (got == wanted)
		return true;
	printf("call %d of architecture %x: the program says %x, the rules %x; arguments", call->number, call->architecture,
	       got, wanted);
	for (size_t i = 0; i < 6; i++)
		printf(" %llx", (unsigned long long)call->arguments[i]);
	printf("\n");
	return false;
}

static bool check_all(unsigned long rounds)
{
	for (unsigned long round = 0; round < rounds; round++) {
		for (int number = -2; number < 600; number++) {
			struct call call = {.number = number, .architecture = ARCHITECTURE};

			for (size_t i = 0; i < 6; i++)
				call.arguments[i] = some_value();
			if (round % 16 == 0)
				call.number |= 0x40000000;
			if (round % 64 == 0)
				call.architecture ^= (uint32_t)next_random();
			if (!check(&call))
				return false;
		}
	}
	return true;
}

int main(int count, char **arguments)
{
	/* Without a listener, and with one. */
	static const unsigned flags[] = {0, NEW_LISTENER};
	unsigned long rounds = count == 3 ? strtoul(arguments[2], NULL, 10) : 0;

	random_state = count == 3 ? strtoull(arguments[1], NULL, 10) | 1 : 1;
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		if (rounds == 0 || !seccomp_prepare(flags[i]))
			return 2;
		if (!check_all(rounds))
			return 1;
	}
	printf("%u instructions\n", (unsigned)program.length);
	return 0;
}
