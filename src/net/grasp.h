/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The datagrams of GRASP on named interfaces: UDP port 7017 of the link-local multicast group ff02::13 (RFC 8990 2.6), one
 * pair of sockets for each interface. Knows nothing of what is in them. An interface may come later, go and come again.
 *
 * Port 7017 is shared: several programs of one machine hear the same floods. What one source or one interface sends beyond
 * a named rate is dropped before anybody looks at it.
 */
#ifndef BERTH_NET_GRASP_H
#define BERTH_NET_GRASP_H

#include "base/bytes.h"
#include "net/loop.h"

#define BERTH_GRASP_PORT 7017
#define BERTH_GRASP_DATAGRAM_MAX 2048 /* RFC 8990 2.6: GRASP_DEF_MAX_SIZE */
#define BERTH_GRASP_INTERFACES_MAX 16

struct berth_grasp_link;

struct berth_grasp_link_conf {
	const char *const *interfaces; /* live longer than the link */
	size_t interface_count;
	bool listens;
	/* number: of the interface in the list above; source: 16 bytes, view until return */
	void (*received)(void *context, unsigned number, const uint8_t *source,
			 struct berth_bytes message);
	/* The interface can be sent on from now on: it came, or has an address now. */
	void (*ready)(void *context, unsigned number);
	void *context;
};

/* BERTH_E_LIMIT, BERTH_E_MEMORY; an interface that is not there yet is no failure. */
enum berth_err berth_grasp_link_open(struct berth_loop *loop,
				     const struct berth_grasp_link_conf *conf,
				     struct berth_grasp_link **ret,
				     struct berth_why *why) BERTH_MUST;
void berth_grasp_link_close(struct berth_grasp_link *link); /* NULL is fine */

/* The link-local address that leaves on this interface now. BERTH_E_NOT_FOUND: none yet. */
enum berth_err berth_grasp_link_address(struct berth_grasp_link *link, unsigned number,
					uint8_t ret[16], struct berth_why *why) BERTH_MUST;
enum berth_err berth_grasp_link_send(struct berth_grasp_link *link, unsigned number,
				     struct berth_bytes message, struct berth_why *why) BERTH_MUST;
/* "fe80::1%eth0", or without scope when it is not link-local. */
const char *berth_grasp_link_text(const struct berth_grasp_link *link, unsigned number,
				  const uint8_t address[16], char *text, size_t n);
/* Datagrams dropped since the last call, for the log. */
uint64_t berth_grasp_link_dropped(struct berth_grasp_link *link);

#endif
