/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/listen.h"
#include "system/files.h"

#define BACKLOG 64 /* connections that wait to be looked at; more are the kernel's to refuse */

static enum berth_err
fail(const char *interface, const char *what, struct berth_why *why)
{
	return berth_fail(why, BERTH_E_IO, "gateway-listen", NULL, "%s: %s: %s", interface, what,
			  strerror(errno));
}

/* IPv6 serves IPv4 too; a machine without IPv6 has IPv4 alone. */
static int
open_socket(int *ret_family)
{
	int off = 0;
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*ret_family = fd >= 0 ? AF_INET6 : AF_INET;
	if (fd < 0)
		return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
	return fd;
}

static int
bind_any(int fd, int family, uint16_t port)
{
	struct sockaddr_in6 at6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in at4 = {.sin_family = AF_INET, .sin_port = htons(port)};

	return family == AF_INET6 ? bind(fd, (struct sockaddr *)&at6, sizeof at6)
				  : bind(fd, (struct sockaddr *)&at4, sizeof at4);
}

enum berth_err
berth_gateway_listen(const char *interface, uint16_t port, int *ret_fd, uint16_t *ret_port,
		     struct berth_why *why)
{
	int one = 1;
	int family = AF_INET6;

	if (!if_nametoindex(interface))
		return berth_fail(why, BERTH_E_NOT_FOUND, "gateway-interface", NULL,
				  "there is no interface %s", interface);
	BERTH_FD fd = open_socket(&family);
	if (fd < 0)
		return fail(interface, "cannot make a socket", why);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface,
		       (socklen_t)strlen(interface) + 1))
		return fail(interface, "cannot bind to the interface", why);
	if (bind_any(fd, family, port) || listen(fd, BACKLOG) || berth_listen_port(fd, ret_port))
		return fail(interface, "cannot listen", why);
	*ret_fd = fd;
	fd = -1;
	return BERTH_OK;
}
