/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 1024 /* the kernel cuts it to net.core.somaxconn */

static enum berth_err
bad_form(const char *text, struct berth_why *why)
{
	return berth_fail(why, BERTH_E_USAGE, "listen-address", NULL,
			  "%s: write an address as [::]:9443 or 127.0.0.1:9443", text);
}

enum berth_err
berth_listen_parse(const char *text, char host[BERTH_LISTEN_ADDRESS_MAX], uint16_t *ret_port,
		   struct berth_why *why)
{
	const char *colon = strrchr(text, ':');
	if (!colon) {
		return bad_form(text, why);
	}
	const char *start = text;
	const char *end = colon;
	if (text[0] == '[') {
		if (colon == text || colon[-1] != ']') {
			return bad_form(text, why);
		}
		start = text + 1;
		end = colon - 1;
	}
	size_t n = (size_t)(end - start);
	size_t digits = strspn(colon + 1, "0123456789");
	unsigned long port = strtoul(colon + 1, NULL, 10);
	if (n == 0 || n >= BERTH_LISTEN_ADDRESS_MAX || digits == 0 || digits > 5 ||
	    colon[1 + digits] != '\0' || port > UINT16_MAX) {
		return bad_form(text, why);
	}
	if (host) {
		memcpy(host, start, n);
		host[n] = '\0';
	}
	if (ret_port) {
		*ret_port = (uint16_t)port;
	}
	return BERTH_OK;
}

enum sharing { ALONE, SHARED };

static int
open_one(const struct addrinfo *address, enum sharing sharing)
{
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	int on = 1, off = 0, is_shared = sharing == SHARED;
	if (address->ai_family == AF_INET6) {
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	}
	/* TCP_NODELAY is inherited by what is accepted. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &is_shared, sizeof(is_shared)) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
	    bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
		int e = errno;
		(void)close(fd);
		errno = e;
		return -1;
	}
	return fd;
}

/*
 * SO_REUSEPORT would let a second daemon of the same user share the port without a word, and each
 * would get some of the devices: so the port is first taken alone. The net processes of a daemon
 * that was killed may live a moment longer, hence the patience.
 */
#define TAKEN_TRIES 10
#define TAKEN_WAIT_NS 50000000L

static int
open_free(const struct addrinfo *address)
{
	const struct timespec wait = {.tv_nsec = TAKEN_WAIT_NS};
	int fd = open_one(address, ALONE);
	for (int i = 1; i < TAKEN_TRIES && fd < 0 && errno == EADDRINUSE; i++) {
		(void)nanosleep(&wait, NULL);
		fd = open_one(address, ALONE);
	}
	if (fd < 0) {
		return -1;
	}
	(void)close(fd);
	return open_one(address, SHARED);
}

enum berth_err
berth_listen_port(int fd, uint16_t *ret)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at = {.any = {.sa_family = AF_UNSPEC}};
	socklen_t n = sizeof(at);
	if (getsockname(fd, &at.any, &n) != 0) {
		return BERTH_E_IO;
	}
	*ret = ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
	return BERTH_OK;
}

static enum berth_err
open_on(const char *text, const char *host, uint16_t port, bool is_first, int *ret_fd,
	uint16_t *ret_port, struct berth_why *why)
{
	char service[8];
	(void)snprintf(service, sizeof(service), "%u", port);
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
	};
	struct addrinfo *address = NULL;
	if (getaddrinfo(host, service, &hints, &address) != 0) {
		return bad_form(text, why);
	}
	int fd = is_first ? open_free(address) : open_one(address, SHARED);
	freeaddrinfo(address);
	if (fd < 0) {
		return berth_fail(why, BERTH_E_IO, "listen", NULL, "cannot listen on %s: %s", text,
				  strerror(errno));
	}
	if (berth_listen_port(fd, ret_port)) {
		(void)close(fd);
		return berth_fail(why, BERTH_E_IO, "listen", NULL, "%s: no name", text);
	}
	*ret_fd = fd;
	return BERTH_OK;
}

enum berth_err
berth_listen(const char *text, int *ret_fds, size_t count, uint16_t *ret_port,
	     struct berth_why *why)
{
	char host[BERTH_LISTEN_ADDRESS_MAX];
	uint16_t port = 0;
	enum berth_err err = berth_listen_parse(text, host, &port, why);
	for (size_t i = 0; i < count && !err; i++) {
		err = open_on(text, host, port, i == 0, &ret_fds[i], &port, why);
		if (err) {
			while (i-- > 0) {
				(void)close(ret_fds[i]);
			}
			return err;
		}
	}
	if (!err) {
		*ret_port = port;
	}
	return err;
}
