#include "pump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool open_channel(struct channel *channel, bool from_task, int *task_end)
{
	int ends[2];

	/* O_NONBLOCK belongs to one end: the task gets a blocking one. */
	if (pipe2(ends, O_CLOEXEC) < 0)
		return false;
	*channel = (struct channel){ .used = true, .from_task = from_task, .credit = FRAME_INITIAL_CREDIT, .fd = ends[!from_task] };
	*task_end = ends[from_task];
	return fcntl(channel->fd, F_SETFL, O_NONBLOCK) == 0;
}

bool pump_open(struct pump *pump, struct connection *connection, const struct request *request, int fds[INIT_CHANNELS_MAX],
	struct failure *failure)
{
	*pump = (struct pump){ .connection = connection };
	for (size_t i = 0; i < FRAME_CHANNELS; i++)
		pump->channels[i].fd = -1;
	for (size_t i = 0; i < INIT_CHANNELS_MAX; i++)
		fds[i] = -1;
	for (size_t i = 0; i < 3 + request->channel_count; i++) {
		size_t number = i < 3 ? i : request->channels[i - 3].descriptor;
		bool from_task = i < 3 ? i > 0 : request->channels[i - 3].from_task;

		if (!open_channel(&pump->channels[number], from_task, &fds[i])) {
			failure_set(failure, BLAME_HOST, "launcher", errno, "A pipe to the task cannot be made");
			for (size_t made = 0; made <= i; made++)
				if (fds[made] >= 0)
					close(fds[made]);
			pump_close(pump);
			return false;
		}
	}
	return true;
}

static void close_pipe(struct channel *channel)
{
	if (channel->fd >= 0)
		close(channel->fd);
	channel->fd = -1;
}

/* What the pipe has taken, or will never take, may be sent again. */
static void acknowledge(struct pump *pump, size_t number, size_t bytes)
{
	if (bytes == 0)
		return;
	pump->channels[number].credit += bytes;
	frame_send_credit(pump->connection, (uint8_t)number, (uint32_t)bytes);
}

/* The task has closed its end: what it did not read is discarded, like all that follows. */
static void discard(struct pump *pump, size_t number)
{
	struct channel *channel = &pump->channels[number];
	size_t bytes = channel->end - channel->start;

	channel->start = channel->end = 0;
	close_pipe(channel);
	acknowledge(pump, number, bytes);
}

static bool write_queue(struct pump *pump, size_t number)
{
	struct channel *channel = &pump->channels[number];
	size_t written = 0;

	while (channel->start < channel->end) {
		ssize_t length = write(channel->fd, channel->queue + channel->start, channel->end - channel->start);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0 && errno == EAGAIN)
			break;
		if (length < 0) {
			acknowledge(pump, number, written);
			discard(pump, number);
			return true;
		}
		channel->start += (size_t)length;
		written += (size_t)length;
	}
	acknowledge(pump, number, written);
	if (channel->start == channel->end) {
		channel->start = channel->end = 0;
		if (channel->ended)
			close_pipe(channel);
	}
	return written > 0;
}

static bool take_data(struct pump *pump, const struct frame *frame, const char **why)
{
	struct channel *channel = &pump->channels[frame->channel];

	if (channel->ended || frame->data_bytes > channel->credit) {
		*why = channel->ended ? "DATA after END of the same channel." : "DATA beyond the credit of its channel.";
		return false;
	}
	channel->credit -= frame->data_bytes;
	if (channel->fd < 0) {
		acknowledge(pump, frame->channel, frame->data_bytes);
		return true;
	}
	if (!channel->queue && !(channel->queue = malloc(FRAME_INITIAL_CREDIT))) {
		*why = "No memory for DATA.";
		return false;
	}
	/* What lies in the queue and the credit are together never more than its size. */
	if (channel->end + frame->data_bytes > FRAME_INITIAL_CREDIT) {
		memmove(channel->queue, channel->queue + channel->start, channel->end - channel->start);
		channel->end -= channel->start;
		channel->start = 0;
	}
	memcpy(channel->queue + channel->end, frame->data, frame->data_bytes);
	channel->end += frame->data_bytes;
	write_queue(pump, frame->channel);
	return true;
}

bool pump_frame(struct pump *pump, const struct frame *frame, const char **why)
{
	struct channel *channel = &pump->channels[frame->channel];

	if (!channel->used || channel->from_task != (frame->type == FRAME_CREDIT_IN)) {
		*why = "A frame for a channel that does not exist or runs the other way.";
		return false;
	}
	switch (frame->type) {
	case FRAME_DATA_IN:
		return take_data(pump, frame, why);
	case FRAME_END_IN:
		channel->ended = true;
		if (channel->fd >= 0)
			write_queue(pump, frame->channel);
		return true;
	case FRAME_CREDIT_IN:
		/* 32 bits at a time: it would take 2^32 frames to overflow. */
		channel->credit += frame->credit;
		return true;
	default:
		*why = "A frame that has no channel.";
		return false;
	}
}

void pump_watch(const struct pump *pump, struct pollfd fds[FRAME_CHANNELS])
{
	bool room = connection_room(pump->connection) > 0;

	for (size_t i = 0; i < FRAME_CHANNELS; i++) {
		const struct channel *channel = &pump->channels[i];

		fds[i] = (struct pollfd){ .fd = -1 };
		if (channel->fd < 0)
			continue;
		if (channel->from_task ? channel->credit > 0 && room : true) {
			fds[i].fd = channel->fd;
			/* Without an event asked for there is still POLLERR: the task has closed its end. */
			fds[i].events = channel->from_task ? POLLIN : channel->start < channel->end ? POLLOUT : 0;
		}
	}
}

static void end_output(struct pump *pump, size_t number)
{
	close_pipe(&pump->channels[number]);
	frame_send_end(pump->connection, (uint8_t)number);
}

static bool read_channel(struct pump *pump, size_t number)
{
	static uint8_t bytes[FRAME_DATA_BYTES_MAX];
	struct channel *channel = &pump->channels[number];
	size_t size = connection_room(pump->connection);
	ssize_t length;

	if (size > sizeof(bytes))
		size = sizeof(bytes);
	if (size > channel->credit)
		size = (size_t)channel->credit;
	if (size == 0)
		return false;
	length = read(channel->fd, bytes, size);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (length <= 0) {
		end_output(pump, number);
		return true;
	}
	channel->credit -= (uint64_t)length;
	frame_send_data(pump->connection, (uint8_t)number, bytes, (size_t)length);
	return true;
}

bool pump_serve(struct pump *pump, const struct pollfd fds[FRAME_CHANNELS])
{
	bool moved = false;

	for (size_t i = 0; i < FRAME_CHANNELS; i++) {
		if (fds[i].fd < 0 || !fds[i].revents || pump->channels[i].fd != fds[i].fd)
			continue;
		if (pump->channels[i].from_task)
			moved = read_channel(pump, i) || moved;
		else if (fds[i].revents & POLLERR)
			discard(pump, i);
		else
			moved = write_queue(pump, i) || moved;
	}
	return moved;
}

bool pump_is_held(const struct pump *pump)
{
	for (size_t i = 0; i < FRAME_CHANNELS; i++) {
		const struct channel *channel = &pump->channels[i];
		int waiting = 0;

		if (channel->fd >= 0 && channel->from_task && (channel->credit == 0 || connection_room(pump->connection) == 0) &&
		    ioctl(channel->fd, FIONREAD, &waiting) == 0 && waiting > 0)
			return true;
	}
	return false;
}

bool pump_has_output(const struct pump *pump)
{
	for (size_t i = 0; i < FRAME_CHANNELS; i++)
		if (pump->channels[i].fd >= 0 && pump->channels[i].from_task)
			return true;
	return false;
}

bool pump_drain(struct pump *pump)
{
	bool moved = false;

	for (size_t i = 0; i < FRAME_CHANNELS; i++) {
		struct channel *channel = &pump->channels[i];
		int waiting = 0;

		if (channel->fd < 0 || !channel->from_task)
			continue;
		while (channel->fd >= 0 && read_channel(pump, i))
			moved = true;
		/* Without credit read(2) is not tried, and the end needs none. */
		if (channel->fd >= 0 && ioctl(channel->fd, FIONREAD, &waiting) == 0 && waiting == 0) {
			end_output(pump, i);
			moved = true;
		}
	}
	return moved;
}

void pump_end_output(struct pump *pump)
{
	for (size_t i = 0; i < FRAME_CHANNELS; i++)
		if (pump->channels[i].fd >= 0 && pump->channels[i].from_task)
			end_output(pump, i);
}

void pump_close(struct pump *pump)
{
	for (size_t i = 0; i < FRAME_CHANNELS; i++) {
		close_pipe(&pump->channels[i]);
		free(pump->channels[i].queue);
		pump->channels[i].queue = NULL;
	}
}
