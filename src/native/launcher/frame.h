/*
 * A connection to a client and the frames on it: u32 LE length of what follows, u8 type, payload.
 *
 * Nothing here blocks but connection_drain(). Receiving: poll for POLLIN, connection_receive() once, then connection_next()
 * until it says FRAME_NONE. Sending: frames go into a bounded queue; poll for POLLOUT while connection_pending(), then
 * connection_flush(). Data for the client is read from its source only while connection_room() is not 0.
 */
#ifndef SOUK_FRAME_H
#define SOUK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "failure.h"

enum {
	FRAME_BYTES_MAX = 1 << 20,       /* type and payload together */
	FRAME_DATA_BYTES_MAX = 65536,    /* bytes in one DATA or FILE_DATA, beside the channel */
	FRAME_INITIAL_CREDIT = 262144,   /* per channel and direction */
	FRAME_CHANNELS = 16,             /* channels are numbered like descriptors, 0..15 */
};

/* The largest number that a client can name: what JavaScript holds exactly. */
#define FRAME_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

enum frame_type {
	FRAME_REQUEST = 1,
	FRAME_DATA_IN = 2,
	FRAME_END_IN = 3,
	FRAME_CREDIT_IN = 4,
	FRAME_KILL = 5,
	FRAME_COLLECT = 6,
	FRAME_RELEASE = 7,
	FRAME_RESIZE = 8,
	FRAME_STARTED = 16,
	FRAME_DATA = 17,
	FRAME_END = 18,
	FRAME_CREDIT = 19,
	FRAME_REPORT = 20,
	FRAME_FILE = 21,
	FRAME_FILE_DATA = 22,
	FRAME_FILE_REFUSED = 23,
	FRAME_DONE = 24,
	FRAME_FAILED = 25,
};

enum report_tag {
	REPORT_EXIT_CODE = 1,
	REPORT_SIGNAL = 2,
	REPORT_REASON = 3,
	REPORT_CPU_TIME_US = 4,
	REPORT_WALL_TIME_US = 5,
	REPORT_MEMORY_PEAK_BYTES = 6,
	REPORT_OOM_KILLS = 7,
	REPORT_PIDS_DENIED = 8,
	REPORT_DISK_FULL = 9,
	REPORT_INODES_FULL = 10,
	REPORT_USER_TIME_US = 11,
	REPORT_SYSTEM_TIME_US = 12,
	REPORT_PIDS_PEAK = 13,
	REPORT_IO_READ_BYTES = 14,
	REPORT_IO_WRITE_BYTES = 15,
	REPORT_CONTEXT_SWITCHES = 16,
	REPORT_OVERSHOOT_US = 17,
	REPORT_SECCOMP_DENIED = 18,
	REPORT_SECCOMP_CALL = 19,
	REPORT_VERSION = 20,
	REPORT_CGROUP = 21,
	REPORT_CONTROLLERS = 22,
	REPORT_ROOT = 23,
	REPORT_USER_NAMESPACE = 24,
	REPORT_SECCOMP = 25,
	REPORT_MISSING = 26,
	REPORT_LANDLOCK = 27,
	REPORT_TIME_NAMESPACE = 28,
};

struct connection {
	int fd;             /* non-blocking, owned; -1 when closed */
	uint8_t *in;        /* FRAME_BYTES_MAX + 4 bytes */
	size_t in_start, in_end;
	uint8_t *out;       /* the send queue, grows up to a hard bound */
	size_t out_start, out_end, out_capacity;
	bool broken;        /* a send failed or the queue overflowed: nothing is sent any more */
};

/*
 * A frame as received. `payload` points into the connection's buffer and is valid until the next connection_receive().
 * For DATA_IN, END_IN and CREDIT_IN the shape has been checked, and `channel`, `data`, `data_bytes`, `credit` are set; for RESIZE
 * `disk_bytes` and `inodes`.
 */
struct frame {
	enum frame_type type;
	const uint8_t *payload;
	size_t length;
	uint8_t channel;       /* 0..15: below FRAME_CHANNELS always */
	const uint8_t *data;   /* DATA_IN */
	size_t data_bytes;     /* DATA_IN: 0 .. FRAME_DATA_BYTES_MAX */
	uint32_t credit;       /* CREDIT_IN: above 0 */
	uint64_t disk_bytes;   /* RESIZE: both at most FRAME_NUMBER_MAX */
	uint64_t inodes;
};

/* Takes over `fd`, makes it non-blocking and close-on-exec. False (errno set; `fd` closed) when there is no memory. */
bool connection_open(struct connection *connection, int fd);
/* Closes and frees; a second call does nothing. */
void connection_close(struct connection *connection);

enum receive_result {
	RECEIVED,        /* some bytes came: call connection_next() until FRAME_NONE */
	RECEIVE_AGAIN,   /* nothing there now */
	RECEIVE_CLOSED,  /* the client has closed its end, or is gone */
};
/* One recv(2). Every frame in the buffer must have been taken by connection_next() before. */
enum receive_result connection_receive(struct connection *connection);

enum next_result {
	FRAME_TAKEN,
	FRAME_NONE,      /* no whole frame in the buffer: receive more */
	FRAME_MALFORMED, /* `why` says it; the connection is of no more use */
};
/*
 * Takes the next whole frame. A length of 0 or above FRAME_BYTES_MAX, a type that no client sends, a DATA, END or CREDIT of the wrong
 * shape, and a KILL, COLLECT or RELEASE with a payload are malformed. `why` is a sentence for FAILED.
 */
enum next_result connection_next(struct connection *connection, struct frame *frame, const char **why);

/* Payload bytes that a DATA may carry now: 0 .. FRAME_DATA_BYTES_MAX. 0 means: flush first, do not read from the task. */
size_t connection_room(const struct connection *connection);
/* Whether something waits to be sent: then poll for POLLOUT. */
bool connection_pending(const struct connection *connection);
/* Sends what the socket takes. False when the client is gone. */
bool connection_flush(struct connection *connection);
/* Sends everything, waiting for the client; false when it is gone or takes nothing for `stall_ms`. */
bool connection_drain(struct connection *connection, int stall_ms);

/*
 * Each queues one frame (nothing is sent before a flush or drain). False when the connection is broken or the hard
 * bound of the queue is reached, which marks it broken: the caller ends the run then.
 */
bool frame_send_started(struct connection *connection, uint64_t pid);
bool frame_send_data(struct connection *connection, uint8_t channel, const void *bytes, size_t length);
bool frame_send_end(struct connection *connection, uint8_t channel);
bool frame_send_credit(struct connection *connection, uint8_t channel, uint32_t bytes);
bool frame_send_file(struct connection *connection, uint64_t bytes, const char *path);
bool frame_send_file_data(struct connection *connection, const void *bytes, size_t length);
/* `path` may hold any byte but NUL. */
bool frame_send_file_refused(struct connection *connection, const char *code, const char *path, const char *message);
bool frame_send_done(struct connection *connection);
bool frame_send_failed(struct connection *connection, const struct failure *failure);

/* Writes the records of a REPORT: begin, add, send. Records that do not fit (48 KiB) are left out and make the send fail. */
struct records {
	uint8_t bytes[48 * 1024];
	size_t length;
	bool overflow;
};
void records_begin(struct records *records);
void records_number(struct records *records, uint16_t tag, uint64_t value);
void records_text(struct records *records, uint16_t tag, const char *text);
bool frame_send_report(struct connection *connection, const struct records *records);

#endif
