/*
 * The channels of a run: bytes between the pipes of the task and the frames of the client, by credit. Nothing here blocks, and nothing is held beyond
 * the credit: per channel to the task at most FRAME_INITIAL_CREDIT bytes; from the task a pipe is read only as far as its credit and the
 * connection's queue take it.
 */
#ifndef SOUK_PUMP_H
#define SOUK_PUMP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frame.h"
#include "init.h"
#include "request.h"

struct channel {
	bool used;
	bool from_task;
	int fd;            /* our end of the pipe, non-blocking; -1 when closed */
	uint64_t credit;   /* from the task: what the client still takes. To it: what the client may still send */
	uint8_t *queue;    /* to the task: bytes the pipe has not taken */
	size_t start, end;
	bool ended;        /* to the task: the client has sent END */
};

struct pump {
	struct connection *connection;
	struct channel channels[FRAME_CHANNELS];
};

/*
 * Makes the pipes; `fds` gets the task's ends, in the order of a command to init: 0, 1, 2, then the request's. The caller closes those. False
 * with `failure`; nothing is left then.
 */
bool pump_open(struct pump *pump, struct connection *connection, const struct request *request, int fds[INIT_CHANNELS_MAX],
	struct failure *failure);

/* A DATA, END or CREDIT of the client. False when it breaks the rules; `why` is a sentence for FAILED. */
bool pump_frame(struct pump *pump, const struct frame *frame, const char **why);

/* Fills entry N for channel N, fd -1 where there is nothing to wait for. */
void pump_watch(const struct pump *pump, struct pollfd fds[FRAME_CHANNELS]);
/* Moves what can be moved. Returns whether bytes moved. */
bool pump_serve(struct pump *pump, const struct pollfd fds[FRAME_CHANNELS]);

/* Whether the task's output waits for a reader that gives no credit. */
bool pump_is_held(const struct pump *pump);
/* Whether some channel from the task has not ended. */
bool pump_has_output(const struct pump *pump);
/* For when every process of the task is dead: reads on as far as credit goes and ends what is empty. Returns whether anything moved. */
bool pump_drain(struct pump *pump);
/* Ends every channel from the task, also those with bytes left. */
void pump_end_output(struct pump *pump);

void pump_close(struct pump *pump);

#endif
