#include "message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

bool message_send(int socket, const void *bytes, size_t length, const int *fds, size_t count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX)];
	} control = { .header = { 0 } };
	struct iovec part = { .iov_base = (void *)bytes, .iov_len = length };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (count > MESSAGE_FDS_MAX) {
		errno = EINVAL;
		return false;
	}
	if (count > 0) {
		struct cmsghdr *header;

		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(header), fds, sizeof(int) * count);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)length;
}

static void take(struct cmsghdr *header, struct message_extra *extra)
{
	struct ucred credentials;

	if (header->cmsg_level != SOL_SOCKET)
		return;
	if (header->cmsg_type == SCM_RIGHTS) {
		extra->count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(extra->fds, CMSG_DATA(header), extra->count * sizeof(int));
	} else if (header->cmsg_type == SCM_CREDENTIALS) {
		memcpy(&credentials, CMSG_DATA(header), sizeof(credentials));
		extra->pid = credentials.pid;
	}
}

ssize_t message_receive(int socket, void *bytes, size_t size, int flags, struct message_extra *extra)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * MESSAGE_FDS_MAX) + CMSG_SPACE(sizeof(struct ucred))];
	} control;
	struct iovec part = { .iov_base = bytes, .iov_len = size };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t length;

	extra->count = 0;
	extra->pid = 0;
	do
		length = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return -1;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header))
		take(header, extra);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		for (size_t i = 0; i < extra->count; i++)
			close(extra->fds[i]);
		extra->count = 0;
		errno = EMSGSIZE;
		return -1;
	}
	return length;
}
