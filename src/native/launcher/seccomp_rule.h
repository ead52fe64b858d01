/* A rule of the filter, as in a seccomp profile of OCI and Docker. The rules themselves are in the generated seccomp-rules.h. */
#ifndef SOUK_SECCOMP_RULE_H
#define SOUK_SECCOMP_RULE_H

#include <stdint.h>

enum seccomp_operator { OP_EQ, OP_NE, OP_MASKED_EQ, OP_LT, OP_LE, OP_GT, OP_GE };

struct seccomp_argument {
	uint8_t index;                  /* 0..5 */
	enum seccomp_operator operator;
	uint64_t value;                 /* 64 bits, unsigned */
	uint64_t mask;                  /* MASKED_EQ: argument & mask == value */
};

/* Applies when every argument compares; of several rules for one call the first that applies counts. */
struct seccomp_rule {
	uint32_t number;
	uint32_t action;                /* a SECCOMP_RET_* value */
	uint8_t argument_count;
	const struct seccomp_argument *arguments;
};

#endif
