/* SPDX-License-Identifier: BSD-2-Clause */
#include "system/channel.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/files.h"

#define SEND_BUFFER_BYTES (1 << 20) /* several packets, so that a batch of replies rarely waits */

static enum berth_err
widen(int fd)
{
	int size = SEND_BUFFER_BYTES;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) != 0) {
		return BERTH_E_IO;
	}
	socklen_t n = sizeof(size);
	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &n) != 0) {
		return BERTH_E_IO;
	}
	return (size_t)size > BERTH_CHANNEL_PACKET_MAX ? BERTH_OK : BERTH_E_LIMIT;
}

enum berth_err
berth_channel_pair(int ret_fds[2], struct berth_why *why)
{
	int fds[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0) {
		return berth_fail(why, BERTH_E_IO, "channel-pair", NULL,
				  "cannot make a socket pair: %s", strerror(errno));
	}
	enum berth_err err = widen(fds[0]);
	err = err ? err : widen(fds[1]);
	if (err) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		return berth_fail(why, err, "channel-pair", NULL,
				  "the kernel's socket buffers are smaller than one packet (raise "
				  "net.core.wmem_max)");
	}
	ret_fds[0] = fds[0];
	ret_fds[1] = fds[1];
	return BERTH_OK;
}

static enum berth_err
wait_for(int fd, short what, struct berth_mono deadline)
{
	for (;;) {
		int64_t left = deadline.ms - berth_clock_mono().ms;
		struct pollfd p = {.fd = fd, .events = what};
		int rc = poll(&p, 1, left > 0 ? (int)left : 0);
		if (rc > 0) {
			return BERTH_OK; /* an error or a hang-up shows in the call that follows */
		}
		if (rc == 0) {
			return BERTH_E_TIMEOUT;
		}
		if (errno != EINTR) {
			return BERTH_E_IO;
		}
	}
}

static enum berth_err
kind_of_errno(void)
{
	if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) {
		return BERTH_E_UNREACHABLE;
	}
	return errno == EMSGSIZE ? BERTH_E_LIMIT : BERTH_E_IO;
}

enum berth_err
berth_channel_send(int fd, struct berth_bytes packet, int pass_fd, int64_t timeout_ms)
{
	struct iovec iov = {.iov_base = (void *)(uintptr_t)packet.p, .iov_len = packet.n};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
	if (pass_fd >= 0) {
		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
	}
	struct berth_mono deadline = berth_mono_after_ms(berth_clock_mono(), timeout_ms);
	for (;;) {
		if (sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) {
			return BERTH_OK;
		}
		if (errno == EINTR) {
			continue;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK) {
			return kind_of_errno();
		}
		if (timeout_ms == 0) {
			return BERTH_E_PENDING;
		}
		enum berth_err err = wait_for(fd, POLLOUT, deadline);
		if (err) {
			return err;
		}
	}
}

/* Keeps the first descriptor for the caller and closes what it did not ask for. */
static void
take_descriptors(struct msghdr *message, int *ret_fd)
{
	if (ret_fd) {
		*ret_fd = -1;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
			continue;
		}
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (ret_fd && *ret_fd < 0) {
				*ret_fd = fd;
			} else {
				(void)close(fd);
			}
		}
	}
}

static enum berth_err
receive_once(int fd, uint8_t *room, size_t cap, size_t *ret_n, int *ret_fd)
{
	struct iovec iov = {.iov_base = room, .iov_len = cap};
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.room,
		.msg_controllen = sizeof(control.room),
	};
	ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0) {
		return errno == EAGAIN || errno == EWOULDBLOCK ? BERTH_E_PENDING : kind_of_errno();
	}
	if (n == 0) {
		return BERTH_E_UNREACHABLE; /* frames are never empty, so this is the end */
	}
	int got = -1;
	take_descriptors(&message, &got);
	if ((message.msg_flags & MSG_TRUNC) != 0 || (got >= 0 && !ret_fd)) {
		berth_fd_close(&got);
	}
	if ((message.msg_flags & MSG_TRUNC) != 0) {
		return BERTH_E_LIMIT;
	}
	if (ret_fd) {
		*ret_fd = got;
	}
	*ret_n = (size_t)n;
	return BERTH_OK;
}

enum berth_err
berth_channel_receive(int fd, uint8_t *room, size_t cap, size_t *ret_n, int *ret_fd,
		      int64_t timeout_ms)
{
	struct berth_mono deadline = berth_mono_after_ms(berth_clock_mono(), timeout_ms);
	for (;;) {
		enum berth_err err = receive_once(fd, room, cap, ret_n, ret_fd);
		if (err == BERTH_E_IO && errno == EINTR) {
			continue;
		}
		if (err != BERTH_E_PENDING || timeout_ms == 0) {
			return err;
		}
		err = wait_for(fd, POLLIN, deadline);
		if (err) {
			return err;
		}
	}
}
