#include "frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bytes.h"

enum {
	HEADER_BYTES = 5,                      /* u32 length, u8 type */
	IN_BYTES = 4 + FRAME_BYTES_MAX,
	OUT_FIRST_BYTES = 128 * 1024,
	/* Above this no DATA is taken any more. */
	OUT_SOFT_BYTES = 512 * 1024,
	/* What a client that never reads can make pile up: control frames beside the data. */
	OUT_HARD_BYTES = 2 * 1024 * 1024,
};

bool connection_open(struct connection *connection, int fd)
{
	int flags = fcntl(fd, F_GETFL);

	*connection = (struct connection){.fd = fd, .out_capacity = OUT_FIRST_BYTES};
	connection->in = malloc(IN_BYTES);
	connection->out = malloc(OUT_FIRST_BYTES);
	if (connection->in == NULL || connection->out == NULL || flags < 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		int saved = errno;
		connection_close(connection);
		errno = saved;
		return false;
	}
	return true;
}

void connection_close(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	free(connection->in);
	free(connection->out);
	*connection = (struct connection){.fd = -1, .broken = true};
}

enum receive_result connection_receive(struct connection *connection)
{
	ssize_t got;

	if (connection->fd < 0)
		return RECEIVE_CLOSED;
	if (connection->in_start > 0) {
		memmove(connection->in, connection->in + connection->in_start, connection->in_end - connection->in_start);
		connection->in_end -= connection->in_start;
		connection->in_start = 0;
	}
	do
		got = recv(connection->fd, connection->in + connection->in_end, IN_BYTES - connection->in_end, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		connection->in_end += (size_t)got;
		return RECEIVED;
	}
	return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? RECEIVE_AGAIN : RECEIVE_CLOSED;
}

/* Checks the shape of a client's frame, and takes it apart. NULL when it is well formed, else why not. */
static const char *check_frame(struct frame *frame)
{
	const uint8_t *payload = frame->payload;

	switch (frame->type) {
	case FRAME_REQUEST:
		return NULL;
	case FRAME_KILL:
	case FRAME_COLLECT:
	case FRAME_RELEASE:
		return frame->length == 0 ? NULL : "a KILL, COLLECT or RELEASE frame has a payload";
	case FRAME_RESIZE:
		if (frame->length != 16)
			return "a RESIZE frame is not 16 bytes long";
		frame->disk_bytes = get_le(payload, 8);
		frame->inodes = get_le(payload + 8, 8);
		return frame->disk_bytes <= FRAME_NUMBER_MAX && frame->inodes <= FRAME_NUMBER_MAX ? NULL : "a RESIZE frame asks for too much";
	case FRAME_DATA_IN:
		if (frame->length < 1 || frame->length > 1 + (size_t)FRAME_DATA_BYTES_MAX)
			return "a DATA frame is empty or too long";
		frame->data = payload + 1;
		frame->data_bytes = frame->length - 1;
		break;
	case FRAME_END_IN:
		if (frame->length != 1)
			return "an END frame is not 1 byte long";
		break;
	case FRAME_CREDIT_IN:
		if (frame->length != 5)
			return "a CREDIT frame is not 5 bytes long";
		frame->credit = (uint32_t)get_le(payload + 1, 4);
		if (frame->credit == 0)
			return "a CREDIT frame grants nothing";
		break;
	default:
		return "a frame is of a type that no client sends";
	}
	frame->channel = payload[0];
	return frame->channel < FRAME_CHANNELS ? NULL : "a frame names a channel above 15";
}

enum next_result connection_next(struct connection *connection, struct frame *frame, const char **why)
{
	size_t there = connection->in_end - connection->in_start;
	const uint8_t *at = connection->in + connection->in_start;
	uint32_t length;

	if (there < 4)
		return FRAME_NONE;
	length = (uint32_t)get_le(at, 4);
	if (length == 0 || length > FRAME_BYTES_MAX) {
		*why = "a frame is empty or longer than 1 MiB";
		return FRAME_MALFORMED;
	}
	if (there < 4 + (size_t)length)
		return FRAME_NONE;
	*frame = (struct frame){.type = at[4], .payload = at + HEADER_BYTES, .length = length - 1};
	*why = check_frame(frame);
	if (*why != NULL)
		return FRAME_MALFORMED;
	connection->in_start += 4 + (size_t)length;
	return FRAME_TAKEN;
}

static size_t queued_bytes(const struct connection *connection)
{
	return connection->out_end - connection->out_start;
}

size_t connection_room(const struct connection *connection)
{
	size_t queued = queued_bytes(connection), room;

	if (connection->broken || queued + HEADER_BYTES + 1 >= OUT_SOFT_BYTES)
		return 0;
	room = OUT_SOFT_BYTES - queued - HEADER_BYTES - 1;
	return room < FRAME_DATA_BYTES_MAX ? room : FRAME_DATA_BYTES_MAX;
}

bool connection_pending(const struct connection *connection)
{
	return !connection->broken && queued_bytes(connection) > 0;
}

bool connection_flush(struct connection *connection)
{
	while (connection_pending(connection)) {
		ssize_t sent = send(connection->fd, connection->out + connection->out_start, queued_bytes(connection),
				    MSG_NOSIGNAL);
		if (sent >= 0)
			connection->out_start += (size_t)sent;
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			return true;
		else if (errno != EINTR)
			connection->broken = true;
	}
	if (!connection->broken)
		connection->out_start = connection->out_end = 0;
	return !connection->broken;
}

bool connection_drain(struct connection *connection, int stall_ms)
{
	for (;;) {
		struct pollfd socket = {.fd = connection->fd, .events = POLLOUT};
		int ready;

		if (!connection_flush(connection))
			return false;
		if (!connection_pending(connection))
			return true;
		do
			ready = poll(&socket, 1, stall_ms);
		while (ready < 0 && errno == EINTR);
		if (ready <= 0) {
			connection->broken = true;
			return false;
		}
	}
}

/* Makes space for `length` more bytes at the end of the queue; NULL, and broken, when that is above the hard bound. */
static uint8_t *reserve(struct connection *connection, size_t length)
{
	size_t queued = queued_bytes(connection), capacity = connection->out_capacity;
	uint8_t *grown;

	if (connection->broken)
		return NULL;
	if (connection->out_end + length <= capacity)
		return connection->out + connection->out_end;
	if (connection->out_start > 0) {
		memmove(connection->out, connection->out + connection->out_start, queued);
		connection->out_start = 0;
		connection->out_end = queued;
	}
	while (capacity < queued + length)
		capacity *= 2;
	if (capacity != connection->out_capacity) {
		grown = capacity <= OUT_HARD_BYTES ? realloc(connection->out, capacity) : NULL;
		if (grown == NULL) {
			connection->broken = true;
			return NULL;
		}
		connection->out = grown;
		connection->out_capacity = capacity;
	}
	return connection->out + connection->out_end;
}

/* Queues the head of a frame with `length` bytes of payload, and returns where the payload goes; NULL when broken. */
static uint8_t *begin_frame(struct connection *connection, enum frame_type type, size_t length)
{
	uint8_t *at = length < FRAME_BYTES_MAX ? reserve(connection, HEADER_BYTES + length) : NULL;

	if (at == NULL) {
		connection->broken = true;
		return NULL;
	}
	put_le(at, 1 + length, 4);
	at[4] = (uint8_t)type;
	connection->out_end += HEADER_BYTES + length;
	return at + HEADER_BYTES;
}

bool frame_send_started(struct connection *connection, uint64_t pid)
{
	uint8_t *payload = begin_frame(connection, FRAME_STARTED, 8);

	if (payload != NULL)
		put_le(payload, pid, 8);
	return payload != NULL;
}

bool frame_send_data(struct connection *connection, uint8_t channel, const void *bytes, size_t length)
{
	uint8_t *payload = begin_frame(connection, FRAME_DATA, 1 + length);

	if (payload != NULL) {
		payload[0] = channel;
		memcpy(payload + 1, bytes, length);
	}
	return payload != NULL;
}

bool frame_send_end(struct connection *connection, uint8_t channel)
{
	uint8_t *payload = begin_frame(connection, FRAME_END, 1);

	if (payload != NULL)
		payload[0] = channel;
	return payload != NULL;
}

bool frame_send_credit(struct connection *connection, uint8_t channel, uint32_t bytes)
{
	uint8_t *payload = begin_frame(connection, FRAME_CREDIT, 5);

	if (payload != NULL) {
		payload[0] = channel;
		put_le(payload + 1, bytes, 4);
	}
	return payload != NULL;
}

bool frame_send_file(struct connection *connection, uint64_t bytes, const char *path)
{
	size_t length = strlen(path);
	uint8_t *payload = begin_frame(connection, FRAME_FILE, 8 + length);

	if (payload != NULL) {
		put_le(payload, bytes, 8);
		memcpy(payload + 8, path, length);
	}
	return payload != NULL;
}

bool frame_send_file_data(struct connection *connection, const void *bytes, size_t length)
{
	uint8_t *payload = begin_frame(connection, FRAME_FILE_DATA, length);

	if (payload != NULL)
		memcpy(payload, bytes, length);
	return payload != NULL;
}

bool frame_send_file_refused(struct connection *connection, const char *code, const char *path, const char *message)
{
	size_t code_bytes = strlen(code) + 1, path_bytes = strlen(path) + 1, message_bytes = strlen(message);
	uint8_t *payload = begin_frame(connection, FRAME_FILE_REFUSED, code_bytes + path_bytes + message_bytes);

	if (payload != NULL) {
		memcpy(payload, code, code_bytes);
		memcpy(payload + code_bytes, path, path_bytes);
		memcpy(payload + code_bytes + path_bytes, message, message_bytes);
	}
	return payload != NULL;
}

bool frame_send_done(struct connection *connection)
{
	return begin_frame(connection, FRAME_DONE, 0) != NULL;
}

static bool send_records(struct connection *connection, enum frame_type type, const struct records *records)
{
	uint8_t *payload = records->overflow ? NULL : begin_frame(connection, type, records->length);

	if (payload == NULL) {
		connection->broken = true;
		return false;
	}
	memcpy(payload, records->bytes, records->length);
	return true;
}

bool frame_send_report(struct connection *connection, const struct records *records)
{
	return send_records(connection, FRAME_REPORT, records);
}

bool frame_send_failed(struct connection *connection, const struct failure *failure)
{
	enum { FAILED_BLAME = 1, FAILED_STAGE = 2, FAILED_ERRNO = 3, FAILED_MESSAGE = 4 };
	struct records records;

	records_begin(&records);
	records_text(&records, FAILED_BLAME, failure->blame == BLAME_REQUEST ? "request" : "host");
	records_text(&records, FAILED_STAGE, failure->stage);
	records_number(&records, FAILED_ERRNO, (uint64_t)failure->error);
	records_text(&records, FAILED_MESSAGE, failure->message);
	return send_records(connection, FRAME_FAILED, &records);
}
