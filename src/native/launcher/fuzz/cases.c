/*
 * Feeds cases to the parsers of what a client sends, to be built with sanitizers. Standard input: cases of u32 LE length, then so many bytes.
 * Every case is taken twice: as the payload of a REQUEST, and as a stream of frames that comes over a socket in pieces. Prints a line per
 * case, with tabs between: `+` or `-` (the request was parsed or refused), the number of frames taken, why the stream was refused, and why
 * the request was. Exits with 0.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../bytes.h"
#include "../frame.h"
#include "../request.h"

enum { CASE_BYTES_MAX = 4 << 20 };

static size_t touched;

static void touch(const char *text)
{
	if (text != NULL)
		touched += strlen(text);
}

/* Reads every byte that a parsed request points to, so that a sanitizer sees what lies outside. */
static void touch_request(const struct request *request)
{
	touch(request->root_folder);
	touch(request->program);
	touch(request->workdir);
	touch(request->mountpoint);
	for (size_t i = 0; i < request->arg_count; i++)
		touch(request->args[i]);
	for (size_t i = 0; i < request->env_count; i++)
		touch(request->env[i]);
	for (size_t i = 0; i < request->bind_count; i++) {
		touch(request->binds[i].host);
		touch(request->binds[i].inside);
	}
	for (size_t i = 0; i < request->output_count; i++)
		touch(request->outputs[i]);
	if (request->args[request->arg_count] != NULL || request->env[request->env_count] != NULL)
		abort();
}

static bool take_as_request(const uint8_t *bytes, size_t length, char error[REQUEST_ERROR_BYTES])
{
	static struct request request;
	/* A block of exactly this size: the byte after it is poisoned. */
	uint8_t *exact = malloc(length == 0 ? 1 : length);
	bool parsed;

	if (exact == NULL)
		abort();
	memcpy(exact, bytes, length);
	parsed = request_parse(exact, length, &request, error);
	free(exact);
	if (parsed) {
		touch_request(&request);
		request_free(&request);
	}
	return parsed;
}

static unsigned take_frames(struct connection *connection, const char **why)
{
	struct frame frame;
	unsigned taken = 0;
	enum next_result next;

	while ((next = connection_next(connection, &frame, why)) == FRAME_TAKEN) {
		taken++;
		for (size_t i = 0; i < frame.length; i++)
			touched += frame.payload[i];
		for (size_t i = 0; i < frame.data_bytes; i++)
			touched += frame.data[i];
		if (frame.channel >= FRAME_CHANNELS)
			abort();
	}
	if (next == FRAME_NONE)
		*why = NULL;
	return taken;
}

/* Sends the case through a socket in pieces of sizes that follow from its own bytes and their places. */
static unsigned take_as_frames(const uint8_t *bytes, size_t length, const char **why)
{
	struct connection connection;
	int ends[2];
	unsigned taken = 0;

	*why = NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0 || !connection_open(&connection, ends[0]))
		abort();
	for (size_t at = 0; at < length && *why == NULL;) {
		size_t piece = 1 + (bytes[at] ^ (at & 0xFF)) * (size_t)97;
		if (piece > length - at)
			piece = length - at;
		if (write(ends[1], bytes + at, piece) != (ssize_t)piece)
			abort();
		at += piece;
		while (*why == NULL && connection_receive(&connection) == RECEIVED)
			taken += take_frames(&connection, why);
	}
	close(ends[1]);
	connection_close(&connection);
	return taken;
}

int main(void)
{
	uint8_t header[4];
	uint8_t *bytes = malloc(CASE_BYTES_MAX);

	while (bytes != NULL && fread(header, 1, sizeof header, stdin) == sizeof header) {
		size_t length = (size_t)get_le(header, 4);
		char error[REQUEST_ERROR_BYTES] = "";
		const char *why;
		unsigned taken;

		if (length > CASE_BYTES_MAX || fread(bytes, 1, length, stdin) != length)
			return 2;
		bool parsed = take_as_request(bytes, length, error);
		taken = take_as_frames(bytes, length, &why);
		printf("%c\t%u\t%s\t%s\n", parsed ? '+' : '-', taken, why == NULL ? "" : why, parsed ? "" : error);
	}
	free(bytes);
	return touched == SIZE_MAX;
}
