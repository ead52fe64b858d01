/*
 * The first process of a container: `souk-init SOCKET`.
 *
 * Docker alone tells neither an exit code of 139 from a death by SIGSEGV, nor when the task's own first instruction
 * runs; with the container's end its counters are gone, and what nobody read of its output with the engine's stream. So
 * this program, mounted read-only into every container, stands between. It waits until the node says what to run,
 * starts it, passes its standard input and output on, kills all that it leaves behind, tells how it ended, and stays
 * until the node has read the counters.
 *
 * It speaks over the Unix socket that it is given, in frames (channel.h; numbers are little-endian):
 *
 *   init → node  R  u8[32] secret, u8 phase, u64 first byte of stdout that it still has, u64 of stderr,
 *                   u64 bytes of stdin taken, u32 status, u8 flags       it is there
 *   node → init  G  the order (task.c)                                   run this
 *   init → node  S                                                       execve(2) has succeeded
 *   init → node  X  u32 errno                                            it failed; the end
 *   node → init  I  bytes                                                standard input
 *   node → init  Z                                                       its end
 *   init → node  W  u64                                                  so much of it the task has taken, or never will
 *   init → node  O  bytes                                                standard output
 *   init → node  P  bytes                                                standard error
 *   node → init  A  u64 stdout, u64 stderr                               so much of them is kept for good
 *   node → init  K                                                       kill every process but this one
 *   node → init  Q                                                       end, with everything
 *   init → node  E  u32 status, u8 flags                                 all are dead; the task's status as of wait(2)
 *   init → node  F                                                       and all that it wrote was sent
 *   node → init  C  u64 stdout, u64 stderr                               a node that is new here has so much of them
 *
 * What the node has not acknowledged is kept, a bounded amount; then the task waits with its writing, as with any pipe.
 * When the connection breaks, this process goes on as the order says: it ends everything, or looks for a node on the
 * same socket for a while, says who it is by the secret, and sends again from where that node asks it to.
 *
 * The task runs as the same user: this process is not dumpable (prctl(2)), so /proc/1 is closed to it, and being pid 1
 * it gets no signal from inside that it has no handler for (pid_namespaces(7)). A task can connect to the socket when a
 * node listens there again; it does not know the secret.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "ring.h"
#include "task.h"

enum { RECONNECT_EVERY_MS = 50, NEVER = -1, FLAG_TIMED_OUT = 1 };
enum phase { WAITS, RUNS, ENDED };

static struct channel channel = {.fd = -1};
static struct ring input, output, errors;
static struct order order;
static struct streams streams = {-1, -1, -1};

static struct {
	enum phase phase;
	pid_t task;
	int status;
	bool timed_out;
	/* When the task began, and for how long it ran. */
	uint64_t started_at_ms, wall_time_ms;
	/* No more input comes. */
	bool input_ended;
	/* What was sent already. */
	uint64_t output_sent, errors_sent;
	/* What the node knows already. */
	uint64_t input_told;
	bool end_told, all_told;
	/* The node on this connection may be told everything: it was there from the start, or has said what it has. */
	bool attached;
	/* Since when there is none. */
	uint64_t lost_at_ms;
	uint64_t kill_at_ms;
} state;

static void on_child(int signal)
{
	(void)signal;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static _Noreturn void end(int code)
{
	task_kill_all();
	_exit(code);
}

static void put_hello(void)
{
	unsigned char *body = channel_body(&channel);

	memcpy(body, order.secret, SECRET_BYTES);
	body[32] = (unsigned char)state.phase;
	write_u64(body + 33, output.base);
	write_u64(body + 41, errors.base);
	write_u64(body + 49, input.end);
	write_u32(body + 57, (uint32_t)state.status);
	body[61] = state.timed_out ? FLAG_TIMED_OUT : 0;
	channel_put(&channel, 'R', 62);
}

/* The part of an output that comes next; false where all of it was sent. */
static bool put_output(char kind, const struct ring *ring, uint64_t *sent)
{
	size_t bytes;
	const unsigned char *piece = ring_piece(ring, *sent, &bytes);

	if (bytes == 0)
		return false;
	if (bytes > FRAME_BODY_MAX)
		bytes = FRAME_BODY_MAX;
	memcpy(channel_body(&channel), piece, bytes);
	channel_put(&channel, kind, bytes);
	*sent += bytes;
	return true;
}

static bool is_all_read(void)
{
	return streams.out < 0 && streams.err < 0;
}

/* Whatever the node does not know yet, one frame of it; false where it knows all. */
static bool put_next(void)
{
	if (state.input_told != input.base) {
		state.input_told = input.base;
		write_u64(channel_body(&channel), input.base);
		channel_put(&channel, 'W', 8);
		return true;
	}
	if (state.phase == ENDED && !state.end_told) {
		state.end_told = true;
		write_u32(channel_body(&channel), (uint32_t)state.status);
		channel_body(&channel)[4] = state.timed_out ? FLAG_TIMED_OUT : 0;
		write_u64(channel_body(&channel) + 5, state.wall_time_ms);
		channel_put(&channel, 'E', 13);
		return true;
	}
	if (put_output('P', &errors, &state.errors_sent) || put_output('O', &output, &state.output_sent))
		return true;
	if (state.phase == ENDED && is_all_read() && !state.all_told) {
		state.all_told = true;
		channel_put(&channel, 'F', 0);
		return true;
	}
	return false;
}

static void lose_node(void)
{
	channel_close(&channel);
	if (order.reattach_ms == 0)
		end(1);
	if (state.attached)
		state.lost_at_ms = now_ms();
	state.attached = false;
}

static void send_what_is_due(void)
{
	enum channel_result result;

	while ((result = channel_flush(&channel)) == CHANNEL_OK)
		if (!state.attached || !put_next())
			return;
	if (result == CHANNEL_LOST)
		lose_node();
}

/* A node that is new here says what it has; it gets the rest again. */
static bool attach(const struct frame *frame)
{
	if (state.attached || frame->bytes != 16)
		return false;
	uint64_t output_had = read_u64(frame->body), errors_had = read_u64(frame->body + 8);
	if (!ring_forget(&output, output_had) || !ring_forget(&errors, errors_had))
		return false;
	state.output_sent = output_had;
	state.errors_sent = errors_had;
	/* It was told in the greeting how much was taken, not how much was used. */
	state.input_told = UINT64_MAX;
	state.end_told = state.all_told = false;
	state.attached = true;
	return true;
}

static bool take_input(const struct frame *frame)
{
	for (size_t done = 0; done < frame->bytes;) {
		size_t room;
		unsigned char *place = ring_room(&input, &room);
		if (room == 0)
			return false;
		if (room > frame->bytes - done)
			room = frame->bytes - done;
		memcpy(place, frame->body + done, room);
		ring_filled(&input, room);
		done += room;
	}
	return true;
}

static bool acknowledge(const struct frame *frame)
{
	return frame->bytes == 16 && ring_forget(&output, read_u64(frame->body)) &&
	       ring_forget(&errors, read_u64(frame->body + 8));
}

/* Does what a frame says; false where the node does not keep to the rules. */
static bool obey(const struct frame *frame)
{
	if (!state.attached)
		return frame->kind == 'C' && attach(frame);
	switch (frame->kind) {
	case 'I':
		return take_input(frame);
	case 'Z':
		return state.input_ended = true;
	case 'A':
		return acknowledge(frame);
	case 'K':
		if (state.phase == RUNS)
			kill(-1, SIGKILL);
		return true;
	case 'Q':
		end(0);
	default:
		return false;
	}
}

static void listen_to_node(void)
{
	struct frame frame;
	enum channel_result result = channel_receive(&channel);

	while (result != CHANNEL_LOST && (result = channel_next(&channel, &frame)) == CHANNEL_OK) {
		if (!obey(&frame)) {
			result = CHANNEL_BROKEN;
			break;
		}
		channel_taken(&channel, &frame);
	}
	if (result == CHANNEL_LOST || result == CHANNEL_BROKEN)
		lose_node();
}

static void close_stream(int *stream)
{
	if (*stream >= 0)
		close(*stream);
	*stream = -1;
}

/* Passes on what is there. Once everybody is dead an empty pipe stays empty, even where its other end is left somewhere. */
static void read_stream(int *stream, struct ring *ring)
{
	while (*stream >= 0) {
		size_t room;
		unsigned char *place = ring_room(ring, &room);
		if (room == 0)
			return;
		ssize_t got = read(*stream, place, room);
		if (got > 0)
			ring_filled(ring, (size_t)got);
		else if (got == 0 || (errno != EINTR && errno != EAGAIN) || (errno == EAGAIN && state.phase == ENDED))
			close_stream(stream);
		else if (errno == EAGAIN)
			return;
	}
}

static void write_input(void)
{
	while (input.base < input.end) {
		size_t bytes;
		const unsigned char *piece = ring_piece(&input, input.base, &bytes);
		ssize_t written = streams.in < 0 ? (ssize_t)bytes : write(streams.in, piece, bytes);
		if (written >= 0)
			ring_forget(&input, input.base + (uint64_t)written);
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			close_stream(&streams.in);
	}
	if (state.input_ended)
		close_stream(&streams.in);
}

/* Takes leave of whoever has ended; when the task itself has, of everybody. */
static void reap(void)
{
	int status;

	for (pid_t ended; state.phase == RUNS && (ended = waitpid(-1, &status, WNOHANG)) != 0;) {
		if (ended == state.task) {
			task_kill_all();
			state.phase = ENDED;
			state.status = status;
			state.wall_time_ms = now_ms() - state.started_at_ms;
			close_stream(&streams.in);
		} else if (ended < 0 && errno != EINTR) {
			end(1);
		}
	}
}

/* Without a node, the next try to find one is due soon; with a task, its end is. */
static int next_look_ms(void)
{
	uint64_t now = now_ms();
	int wait = NEVER;

	if (state.phase == RUNS && state.kill_at_ms != 0)
		wait = state.kill_at_ms <= now ? 0 : state.kill_at_ms - now > 60000 ? 60000 : (int)(state.kill_at_ms - now);
	if (channel.fd < 0 && (wait == NEVER || wait > RECONNECT_EVERY_MS))
		wait = RECONNECT_EVERY_MS;
	return !state.attached && (wait == NEVER || wait > 1000) ? 1000 : wait;
}

static void look_for_node(const char *path)
{
	if (state.attached)
		return;
	if (now_ms() - state.lost_at_ms > order.reattach_ms)
		end(1);
	if (channel.fd < 0 && channel_connect(&channel, path))
		put_hello();
}

static bool has_unsent(void)
{
	return !channel_idle(&channel) || (state.attached && (state.input_told != input.base ||
		state.errors_sent < errors.end || state.output_sent < output.end));
}

static void wait_for_something(void)
{
	size_t room;
	struct pollfd polled[4] = {{.fd = channel.fd, .events = POLLIN}, {.fd = -1}, {.fd = -1}, {.fd = -1}};
	sigset_t none;

	if (channel.fd >= 0 && has_unsent())
		polled[0].events |= POLLOUT;
	ring_room(&output, &room);
	if (room > 0)
		polled[1] = (struct pollfd){.fd = streams.out, .events = POLLIN};
	ring_room(&errors, &room);
	if (room > 0)
		polled[2] = (struct pollfd){.fd = streams.err, .events = POLLIN};
	if (input.base < input.end)
		polled[3] = (struct pollfd){.fd = streams.in, .events = POLLOUT};
	int wait_ms = next_look_ms();
	struct timespec timeout = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000L};
	/* SIGCHLD comes through only here, so that none is missed between the look and the wait. */
	sigemptyset(&none);
	ppoll(polled, 4, wait_ms == NEVER ? NULL : &timeout, &none);
}

static _Noreturn void follow_task(const char *path)
{
	for (;;) {
		reap();
		if (state.phase == RUNS && state.kill_at_ms != 0 && now_ms() >= state.kill_at_ms) {
			state.timed_out = true;
			kill(-1, SIGKILL);
			state.kill_at_ms = now_ms() + 1000;
		}
		look_for_node(path);
		if (channel.fd >= 0)
			listen_to_node();
		read_stream(&streams.out, &output);
		read_stream(&streams.err, &errors);
		write_input();
		if (channel.fd >= 0)
			send_what_is_due();
		wait_for_something();
	}
}

static void tell_number_and_wait(char kind, uint32_t number)
{
	unsigned char ignored;
	size_t bytes;

	write_u32(channel_body(&channel), number);
	channel_put(&channel, kind, 4);
	channel_flush(&channel);
	/* The node has read it when it hangs up. */
	free(channel_wait(&channel, &ignored, &bytes));
}

static void run_order(void)
{
	unsigned char kind;
	size_t bytes;
	unsigned char *body = channel_wait(&channel, &kind, &bytes);

	if (body == NULL || kind != 'G' || !order_parse(&order, body, bytes))
		end(1);
	int failed = task_start(&order, &streams, &state.task);
	if (failed != 0) {
		tell_number_and_wait('X', (uint32_t)failed);
		end(127);
	}
	state.phase = RUNS;
	state.attached = true;
	state.started_at_ms = now_ms();
	state.kill_at_ms = order.wall_time_ms == 0 ? 0 : state.started_at_ms + order.wall_time_ms;
	channel_put(&channel, 'S', 0);
}

/*
 * What the engine takes from an image is checked before; this comes after it: root's group among the groups of others, and
 * a working folder beyond the root, which runc once could be led to leave open.
 */
static bool is_confined(void)
{
	gid_t groups[64];
	char path[4096];
	int count = getgroups(64, groups);

	for (int i = 0; i < count; i++)
		if (groups[i] == 0)
			return false;
	return count >= 0 && getuid() != 0 && getgid() != 0 && (getcwd(path, sizeof path) != NULL || errno == ERANGE);
}

int main(int count, char **arguments)
{
	sigset_t child;
	struct sigaction action = {.sa_handler = on_child};

	if (count != 2)
		return 2;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	sigaction(SIGCHLD, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (getpid() != 1 || prctl(PR_SET_DUMPABLE, 0) < 0 || !is_confined())
		return 2;
	channel_touch(&channel);
	ring_touch(&input);
	ring_touch(&output);
	ring_touch(&errors);
	if (!channel_connect(&channel, arguments[1]))
		return 2;
	put_hello();
	if (channel_flush(&channel) != CHANNEL_OK)
		return 1;
	run_order();
	follow_task(arguments[1]);
}
