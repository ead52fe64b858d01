#include "keeper.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "frame.h"
#include "hello.h"
#include "host_path.h"
#include "request.h"
#include "run.h"
#include "slot.h"
#include "storage.h"
#include "watch.h"

enum {
	REQUEST_WAIT_MS = 10000, /* for the REQUEST of a client that has connected */
	LAST_STALL_MS = 10000,
	LINGER_MS = 2000,        /* for a client to close after the last frame */
	NOBODY = 65534,          /* from here on no host gives ids to people */
};

/* The first frame. False when there is nobody to answer, or `failure` has been set. */
static bool read_request(struct connection *connection, const struct launcher *launcher, struct frame *frame, struct failure *failure)
{
	uint64_t end_ns = watch_now_ns() + (uint64_t)REQUEST_WAIT_MS * 1000000;
	const char *why;

	failure->stage = NULL;
	for (;;) {
		uint64_t now_ns = watch_now_ns();
		struct pollfd fds[] = {
			{ .fd = connection->fd, .events = POLLIN },
			{ .fd = launcher->alive, .events = POLLIN },
		};

		switch (connection_next(connection, frame, &why)) {
		case FRAME_MALFORMED:
			return failure_set(failure, BLAME_REQUEST, "request", 0, "%s", why);
		case FRAME_TAKEN:
			return frame->type == FRAME_REQUEST ||
				failure_set(failure, BLAME_REQUEST, "request", 0, "The first frame is no REQUEST.");
		case FRAME_NONE:
			break;
		}
		if (now_ns >= end_ns)
			return failure_set(failure, BLAME_REQUEST, "request", 0, "No REQUEST came.");
		if (poll(fds, 2, (int)((end_ns - now_ns) / 1000000) + 1) < 0 && errno != EINTR)
			return false;
		if (fds[1].revents)
			return false;
		if (fds[0].revents && connection_receive(connection) == RECEIVE_CLOSED)
			return false;
	}
}

/*
 * In its user namespace a task is, for files of the host that are bound into it, the user of that number. A peer with fewer rights than the launcher must not
 * become somebody else that way: it may name itself, or ids that no person has.
 */
static bool may_be(const struct request *request, const struct launcher *launcher, const struct peer *peer, struct failure *failure)
{
	if (!launcher->root && (request->uid != launcher->uid || request->gid != launcher->gid))
		return failure_set(failure, BLAME_HOST, "ids", 0,
			"Without root a task can only run as user %u and group %u.", launcher->uid, launcher->gid);
	if (peer->limited && ((request->uid != peer->uid && request->uid < NOBODY) || request->uid == 0 ||
			      (request->gid != peer->gid && request->gid < NOBODY) || request->gid == 0))
		return failure_set(failure, BLAME_REQUEST, "ids", 0,
			"User %u and group %u are neither the client's own nor above %d.", request->uid, request->gid, NOBODY - 1);
	return true;
}

static bool serve_storage(struct connection *connection, const struct launcher *launcher, const struct peer *peer,
	const struct request *request, struct failure *failure)
{
	struct storage storage = {
		.instance = launcher->instance,
		.peer_uid = peer->uid,
		.alive = launcher->alive,
		.mountpoint_fd = host_path_open_folder(request->mountpoint, peer, "storage", failure),
	};

	if (storage.mountpoint_fd < 0)
		return false;
	if (request->kind == REQUEST_UNMOUNT)
		storage_unmount(connection, &storage);
	else
		storage_serve(connection, request, &storage);
	close(storage.mountpoint_fd);
	return true;
}

static enum keeper_exit serve(struct connection *connection, const struct launcher *launcher, const struct sandbox_request *asked,
	struct slot *slot)
{
	const struct request *request = asked->parsed;
	struct failure failure;
	bool clean = true;

	/* What is not a run needs none. */
	if (request->kind != REQUEST_RUN)
		clean = slot_discard(slot);
	switch (request->kind) {
	case REQUEST_RUN:
		if (may_be(request, launcher, asked->peer, &failure))
			return run_serve(connection, launcher, asked, slot) ? KEEPER_DONE : KEEPER_LEFT_CGROUP;
		break;
	case REQUEST_STORAGE:
		if (may_be(request, launcher, asked->peer, &failure) && serve_storage(connection, launcher, asked->peer, request, &failure))
			return clean ? KEEPER_DONE : KEEPER_LEFT_CGROUP;
		break;
	case REQUEST_UNMOUNT:
	case REQUEST_ADOPT:
		if (serve_storage(connection, launcher, asked->peer, request, &failure))
			return clean ? KEEPER_DONE : KEEPER_LEFT_CGROUP;
		break;
	case REQUEST_HELLO:
		hello_serve(connection, launcher);
		return clean ? KEEPER_DONE : KEEPER_LEFT_CGROUP;
	}
	frame_send_failed(connection, &failure);
	return clean ? KEEPER_DONE : KEEPER_LEFT_CGROUP;
}

/*
 * Lets the client close first. A Unix socket that is closed with bytes unread, such as a CREDIT that crossed the last frame, gives
 * its peer ECONNRESET instead of the end of file.
 */
static void linger(struct connection *connection, const struct launcher *launcher)
{
	uint64_t end_ns = watch_now_ns() + (uint64_t)LINGER_MS * 1000000, now_ns;
	uint8_t ignored[4096];

	if (shutdown(connection->fd, SHUT_WR) < 0)
		return;
	while ((now_ns = watch_now_ns()) < end_ns) {
		struct pollfd fds[] = {
			{ .fd = connection->fd, .events = POLLIN },
			{ .fd = launcher->alive, .events = POLLIN },
		};

		if (poll(fds, 2, (int)((end_ns - now_ns) / 1000000) + 1) <= 0 || fds[1].revents ||
		    recv(connection->fd, ignored, sizeof(ignored), MSG_DONTWAIT) <= 0)
			return;
	}
}

static enum keeper_exit serve_connection(int fd, const struct launcher *launcher, const struct peer *peer, struct slot *slot)
{
	static struct request request;
	struct connection connection;
	struct failure failure;
	struct frame frame;
	char error[REQUEST_ERROR_BYTES];
	enum keeper_exit result = KEEPER_DONE;

	if (!connection_open(&connection, fd))
		return KEEPER_DONE;
	if (!read_request(&connection, launcher, &frame, &failure)) {
		if (failure.stage)
			frame_send_failed(&connection, &failure);
	} else if (!request_parse(frame.payload, frame.length, &request, error)) {
		failure_set(&failure, BLAME_REQUEST, "request", 0, "%s", error);
		frame_send_failed(&connection, &failure);
	} else {
		result = serve(&connection, launcher, &(struct sandbox_request){
			.peer = peer, .payload = frame.payload, .length = frame.length, .parsed = &request,
		}, slot);
		request_free(&request);
	}
	if (connection_drain(&connection, LAST_STALL_MS))
		linger(&connection, launcher);
	connection_close(&connection);
	return result;
}

/* Who is at the other end; false when it is none of ours. */
static bool identify(const struct launcher *launcher, int fd, struct peer *peer)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return false;
	*peer = (struct peer){ .uid = credentials.uid, .gid = credentials.gid, .limited = credentials.uid != launcher->uid };
	return !peer->limited || credentials.uid == launcher->peer_uid;
}

static bool add(int set, int fd, uint32_t events)
{
	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = events, .data.fd = fd }) == 0;
}

/*
 * Waits among others for a connection that none of them takes: of those that wait one is woken. -1 when the launcher is gone. A slot whose init dies
 * meanwhile is none any more; what is wrong shows when a run needs one.
 */
static int accept_connection(const struct launcher *launcher, struct slot *slot)
{
	int set = epoll_create1(EPOLL_CLOEXEC), fd = -1;

	if (set < 0 || !add(set, launcher->alive, EPOLLIN) || !add(set, launcher->listener, EPOLLIN | EPOLLEXCLUSIVE) ||
	    (slot_is_prepared(slot) && !add(set, slot->sandbox.pidfd, EPOLLIN)))
		return -1;
	while (fd < 0) {
		struct epoll_event event;

		if (epoll_wait(set, &event, 1, -1) <= 0)
			continue;
		if (event.data.fd == launcher->alive)
			break;
		if (event.data.fd == launcher->listener)
			fd = accept4(launcher->listener, NULL, NULL, SOCK_CLOEXEC);
		else if (!slot_discard(slot))
			break;
	}
	close(set);
	return fd;
}

enum keeper_exit keeper_serve(const struct launcher *launcher)
{
	struct slot slot = SLOT_EMPTY;
	enum keeper_exit result = KEEPER_DONE;
	struct failure failure;
	struct peer peer;
	pid_t self = getpid();
	int fd;

	/* Without root a sandbox sees the mounts of the moment at which it is made. */
	if (launcher->root && launcher->seccomp)
		slot_prepare(&slot, launcher, &failure);
	fd = accept_connection(launcher, &slot);
	prctl(PR_SET_NAME, "souk-keeper");
	if (fd >= 0 && write(launcher->taken, &self, sizeof(self)) == sizeof(self) && identify(launcher, fd, &peer))
		result = serve_connection(fd, launcher, &peer, &slot);
	else if (fd >= 0)
		close(fd);
	return slot_discard(&slot) ? result : KEEPER_LEFT_CGROUP;
}
