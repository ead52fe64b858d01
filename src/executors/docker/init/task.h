/* The task: what it is told to be, its start, and its end. */
#ifndef TASK_H
#define TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SECRET_BYTES = 32 };

/* The body of a `G` frame, taken apart. */
struct order {
	/* By which this process proves later that it is itself. */
	unsigned char secret[SECRET_BYTES];
	/* All of the task dies when that much time has gone, whether or not a node is there; 0: never. */
	uint64_t wall_time_ms;
	/* For how long it waits for a node when the connection breaks; 0: it ends at once. */
	uint64_t reattach_ms;
	uint64_t open_files;
	/* 0: as they are. */
	uint64_t file_bytes;
	uint64_t stack_bytes;
	char **arguments;
};

/* Ends of the task's pipes that are this process's; -1 once closed. */
struct streams {
	int in;
	int out;
	int err;
};

/*
 * Takes `body` apart, which is to stay: the order points into it. Its variables go into this process's environment,
 * over those of the image. False where it is not as it should be.
 */
bool order_parse(struct order *order, unsigned char *body, size_t bytes);

/* Resolves to the errno of what failed, or 0 once execve(2) has succeeded. */
int task_start(const struct order *order, struct streams *streams, pid_t *task);

/* Kills every process of the container but this one, and waits for their ends. */
void task_kill_all(void);

#endif
