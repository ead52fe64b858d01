#define _GNU_SOURCE
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void channel_touch(struct channel *channel)
{
	memset(channel->in, 1, sizeof channel->in);
	memset(channel->out, 1, sizeof channel->out);
}

bool channel_connect(struct channel *channel, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	channel_close(channel);
	if (strlen(path) >= sizeof address.sun_path)
		return false;
	strcpy(address.sun_path, path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) {
		close(fd);
		return false;
	}
	channel->fd = fd;
	return true;
}

void channel_close(struct channel *channel)
{
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
	channel->in_bytes = channel->out_from = channel->out_bytes = 0;
}

static bool read_all(int fd, unsigned char *to, size_t bytes)
{
	while (bytes > 0) {
		ssize_t got = read(fd, to, bytes);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		to += got;
		bytes -= (size_t)got;
	}
	return true;
}

unsigned char *channel_wait(struct channel *channel, unsigned char *kind, size_t *bytes)
{
	unsigned char header[FRAME_HEADER_BYTES];

	if (!read_all(channel->fd, header, sizeof header))
		return NULL;
	*kind = header[0];
	*bytes = read_u32(header + 1);
	unsigned char *body = *bytes > GO_BYTES_MAX ? NULL : malloc(*bytes + 1);
	if (body != NULL && !read_all(channel->fd, body, *bytes)) {
		free(body);
		return NULL;
	}
	return body;
}

enum channel_result channel_receive(struct channel *channel)
{
	size_t room = sizeof channel->in - channel->in_bytes;

	if (room == 0)
		return CHANNEL_OK;
	ssize_t got = recv(channel->fd, channel->in + channel->in_bytes, room, MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? CHANNEL_EMPTY : CHANNEL_LOST;
	if (got == 0)
		return CHANNEL_LOST;
	channel->in_bytes += (size_t)got;
	return CHANNEL_OK;
}

enum channel_result channel_next(const struct channel *channel, struct frame *frame)
{
	if (channel->in_bytes < FRAME_HEADER_BYTES)
		return CHANNEL_EMPTY;
	size_t bytes = read_u32(channel->in + 1);
	if (bytes > FRAME_BODY_MAX)
		return CHANNEL_BROKEN;
	if (channel->in_bytes < FRAME_HEADER_BYTES + bytes)
		return CHANNEL_EMPTY;
	*frame = (struct frame){.kind = channel->in[0], .body = channel->in + FRAME_HEADER_BYTES, .bytes = bytes};
	return CHANNEL_OK;
}

void channel_taken(struct channel *channel, const struct frame *frame)
{
	size_t bytes = FRAME_HEADER_BYTES + frame->bytes;

	channel->in_bytes -= bytes;
	memmove(channel->in, channel->in + bytes, channel->in_bytes);
}

bool channel_idle(const struct channel *channel)
{
	return channel->out_from == channel->out_bytes;
}

unsigned char *channel_body(struct channel *channel)
{
	return channel->out + FRAME_HEADER_BYTES;
}

void channel_put(struct channel *channel, char kind, size_t bytes)
{
	channel->out[0] = (unsigned char)kind;
	write_u32(channel->out + 1, (uint32_t)bytes);
	channel->out_from = 0;
	channel->out_bytes = FRAME_HEADER_BYTES + bytes;
}

enum channel_result channel_flush(struct channel *channel)
{
	while (!channel_idle(channel)) {
		ssize_t sent = send(channel->fd, channel->out + channel->out_from, channel->out_bytes - channel->out_from,
				    MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return errno == EAGAIN ? CHANNEL_EMPTY : CHANNEL_LOST;
		channel->out_from += (size_t)sent;
	}
	return CHANNEL_OK;
}

void write_u32(unsigned char *to, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(number >> (8 * i));
}

void write_u64(unsigned char *to, uint64_t number)
{
	write_u32(to, (uint32_t)number);
	write_u32(to + 4, (uint32_t)(number >> 32));
}

uint32_t read_u32(const unsigned char *from)
{
	return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
}

uint64_t read_u64(const unsigned char *from)
{
	return (uint64_t)read_u32(from) | (uint64_t)read_u32(from + 4) << 32;
}
