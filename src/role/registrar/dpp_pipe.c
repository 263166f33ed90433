/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/dpp_pipe.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "codec/dpp_uri.h"
#include "system/clock.h"

#define ADDRESS_MAX 256

static struct berth_mono
mono(void)
{
	return berth_clock_now().mono;
}

static enum berth_err
unreachable(struct berth_why *why, const char *address, const char *what)
{
	return berth_fail(why, BERTH_E_UNREACHABLE, "dpp-adopt", NULL, "%.200s: %s", address, what);
}

static enum berth_err
resolve(const char *address, int flags, struct addrinfo **ret, struct berth_why *why)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
				       .ai_flags = AI_NUMERICSERV | flags};
	char host[ADDRESS_MAX];
	const char *colon = strrchr(address, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - address);
	bool has_brackets = n >= 2 && address[0] == '[' && address[n - 1] == ']';

	if (n == 0 || n >= sizeof(host))
		return berth_fail(why, BERTH_E_USAGE, "dpp-tcp", NULL,
				  "%.200s is not of the form ADDRESS:PORT", address);
	(void)snprintf(host, sizeof(host), "%.*s", (int)(has_brackets ? n - 2 : n),
		       address + has_brackets);
	int failed = getaddrinfo(host, colon + 1, &hints, ret);
	return failed == 0 ? BERTH_OK : unreachable(why, address, gai_strerror(failed));
}

enum berth_err
berth_dpp_pipe_connect(struct berth_dpp_pipe *pipe, const char *address, struct berth_why *why)
{
	struct addrinfo *found = NULL;
	enum berth_err err = resolve(address, 0, &found, why);

	if (err)
		return err;
	pipe->fd = socket(found->ai_family, found->ai_socktype | SOCK_CLOEXEC, 0);
	bool is_there = pipe->fd >= 0 && connect(pipe->fd, found->ai_addr, found->ai_addrlen) == 0;
	int error = errno;
	freeaddrinfo(found);
	return is_there ? BERTH_OK : unreachable(why, address, strerror(error));
}

static unsigned
port_of(int fd)
{
	struct sockaddr_in6 at = {0};
	socklen_t n = sizeof(at);

	/* the port stands at one place in both families */
	return getsockname(fd, (struct sockaddr *)&at, &n) == 0 ? ntohs(at.sin6_port) : 0;
}

static int
listen_at(const struct addrinfo *at)
{
	int yes = 1;
	int fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, 0);

	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
	    bind(fd, at->ai_addr, at->ai_addrlen) == 0 && listen(fd, 1) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

enum berth_err
berth_dpp_pipe_accept(struct berth_dpp_pipe *pipe, const char *address, struct berth_mono end,
		      void (*listening)(unsigned port), struct berth_why *why)
{
	struct addrinfo *found = NULL;
	enum berth_err err = resolve(address, AI_PASSIVE, &found, why);

	if (err)
		return err;
	struct pollfd fd = {.fd = listen_at(found), .events = POLLIN};
	int error = errno;
	freeaddrinfo(found);
	if (fd.fd < 0)
		return unreachable(why, address, strerror(error));
	listening(port_of(fd.fd));
	int64_t left = end.ms - mono().ms;
	if (left > 0 && poll(&fd, 1, (int)left) == 1)
		pipe->fd = accept4(fd.fd, NULL, NULL, SOCK_CLOEXEC);
	(void)close(fd.fd);
	return pipe->fd >= 0 ? BERTH_OK
			     : berth_fail(why, BERTH_E_TIMEOUT, "dpp-tcp", NULL,
					  "nobody came to %.200s", address);
}

enum berth_err
berth_dpp_pipe_send(struct berth_dpp_pipe *pipe, struct berth_bytes body, struct berth_why *why)
{
	BERTH_BUF message = {0};
	enum berth_err err = berth_buf_append_u32(&message, (uint32_t)body.n);

	err = err ? err : berth_buf_append_bytes(&message, body);
	if (err)
		return berth_fail(why, err, "memory", NULL, "out of memory");
	return send(pipe->fd, message.p, message.n, MSG_NOSIGNAL) == (ssize_t)message.n
		       ? BERTH_OK
		       : unreachable(why, "the other", "it takes nothing more");
}

static enum berth_err
receive(int from, uint8_t *out, size_t n, struct berth_mono end, struct berth_why *why)
{
	for (size_t got = 0; got < n;) {
		struct pollfd fd = {.fd = from, .events = POLLIN};
		int64_t left = end.ms - mono().ms;
		if (left <= 0 || poll(&fd, 1, (int)left) != 1)
			return berth_fail(why, BERTH_E_TIMEOUT, "dpp-tcp", NULL,
					  "the other says nothing more");
		ssize_t k = read(from, out + got, n - got);
		if (k <= 0)
			return unreachable(why, "the other", "it closed the connection");
		got += (size_t)k;
	}
	return BERTH_OK;
}

enum berth_err
berth_dpp_pipe_receive(struct berth_dpp_pipe *pipe, struct berth_mono end, struct berth_bytes *ret,
		       struct berth_why *why)
{
	uint8_t head[4] = {0};
	enum berth_err err = receive(pipe->fd, head, sizeof(head), end, why);
	size_t n = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];

	if (!err && (n == 0 || n > sizeof(pipe->body)))
		err = berth_fail(why, BERTH_E_SYNTAX, "dpp-tcp", NULL,
				 "what the other says is no DPP over TCP");
	err = err ? err : receive(pipe->fd, pipe->body, n, end, why);
	*ret = berth_bytes_of(pipe->body, err ? 0 : n);
	return err;
}

void
berth_dpp_pipe_close(struct berth_dpp_pipe *pipe)
{
	if (pipe->fd >= 0)
		(void)close(pipe->fd);
	pipe->fd = -1;
}

enum berth_err
berth_dpp_pipe_code(const struct berth_ec_point *point, struct berth_buf *code,
		    struct berth_why *why)
{
	struct berth_dpp_uri uri = {.version = 2};
	BERTH_BUF spki = {0};

	if (berth_ec_build_spki(point, BERTH_EC_COMPRESSED, &spki) || spki.n > sizeof(uri.spki))
		return berth_fail(why, BERTH_E_MEMORY, "memory", NULL, "out of memory");
	memcpy(uri.spki, spki.p, spki.n);
	uri.spki_n = spki.n;
	return berth_dpp_uri_write(&uri, code, why);
}
