/* SPDX-License-Identifier: BSD-2-Clause */
/* Listening TCP sockets: one per net process on one port, the kernel spreads connections (SO_REUSEPORT). */
#ifndef BERTH_NET_LISTEN_H
#define BERTH_NET_LISTEN_H

#include "base/err.h"

#define BERTH_LISTEN_ADDRESS_MAX 80

/* "[::]:9443", "127.0.0.1:0", "[fe80::1%eth0]:443"; numeric only. Both outputs may be NULL: a check of the form. */
enum berth_err berth_listen_parse(const char *text, char host[BERTH_LISTEN_ADDRESS_MAX],
				  uint16_t *ret_port, struct berth_why *why) BERTH_MUST;
/* Binds and listens; port 0: any, the same for all. BERTH_E_IO when anybody else listens there. The
 * caller's fds, close-on-exec, non-blocking. */
enum berth_err berth_listen(const char *text, int *ret_fds, size_t count, uint16_t *ret_port,
			    struct berth_why *why) BERTH_MUST;

/* The port that a bound IPv4 or IPv6 socket has. */
enum berth_err berth_listen_port(int fd, uint16_t *ret) BERTH_MUST;

#endif
