/* Messages with descriptors and credentials over a SEQPACKET socket pair between the launcher's own processes; see unix(7). */
#ifndef SOUK_MESSAGE_H
#define SOUK_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { MESSAGE_FDS_MAX = 24 };

/* Sends all of `bytes` in one message, with `count` descriptors (0 .. MESSAGE_FDS_MAX). False with errno. */
bool message_send(int socket, const void *bytes, size_t length, const int *fds, size_t count);

struct message_extra {
	int fds[MESSAGE_FDS_MAX]; /* close-on-exec; the receiver's to close */
	size_t count;
	pid_t pid;                /* of the sender, in this pid namespace; 0 when SO_PASSCRED is not set */
};

/* One message: its length (at most `size`; a longer one is EMSGSIZE), 0 at the end, -1 with errno. */
ssize_t message_receive(int socket, void *bytes, size_t size, int flags, struct message_extra *extra);

#endif
