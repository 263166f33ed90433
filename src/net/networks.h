/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which addresses may be connected to when a stranger chose the name: what the public internet routes, and networks that
 * a configuration names. Asked of the address itself, after the name was resolved, so that no name leads elsewhere.
 */
#ifndef BERTH_NET_NETWORKS_H
#define BERTH_NET_NETWORKS_H

#include <sys/socket.h>

#include "base/bytes.h"

#define BERTH_NETWORKS_MAX 32
#define BERTH_NETWORKS_TEXT_MAX 1536 /* 32 of the longest, and commas */

struct berth_network {
	uint8_t address[16]; /* IPv4 as ::ffff:a.b.c.d */
	unsigned bits;	     /* of 128 */
};

struct berth_networks {
	struct berth_network at[BERTH_NETWORKS_MAX];
	size_t n;
};

/* "10.0.0.0/8,fd00::/8,192.0.2.7": a single address is a network of itself. Host bits must be zero. */
enum berth_err berth_networks_parse(struct berth_bytes text, struct berth_networks *ret,
				    struct berth_why *why) BERTH_MUST;
/* Neither loopback, private, link-local, shared, multicast, reserved, nor a form that hides such an IPv4 address. */
bool berth_address_is_public(const struct sockaddr *address);
/* Public, or in one of these. */
bool berth_networks_admit(const struct berth_networks *networks, const struct sockaddr *address);
bool berth_networks_have(const struct berth_networks *networks, const struct sockaddr *address);

#endif
