/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPP over TCP (DPP 7.3): bodies behind a length of four octets, both ways, on connections that come in and on some that we
 * open. What a body means is not asked here, only whether it can be one: 1 to 65535 octets that begin as DPP or GAS do
 * (codec/dpp_frame.h). A peer says nothing at all when something is wrong, and neither do we: it is cut.
 *
 * An access point that relays is one source for many devices and opens a connection for each, so limits of one source are
 * wide; no limit slows those down who behave. What a connection may cost is bounded: one body read, a few written, and the
 * time without a whole body.
 *
 * How many bodies a second are passed on is limited for each connection, and not for each source: a device needs six in all,
 * and its relay speaks for its neighbours too, good and bad, so a limit for the relay would let one bad device starve the
 * good ones. Who is over it is not cut but read later; TCP then slows the sender down by itself, nothing is kept for it here,
 * and the others' bodies find the owner's queue short.
 */
#ifndef BERTH_NET_DPP_SERVER_H
#define BERTH_NET_DPP_SERVER_H

#include "base/bytes.h"
#include "net/loop.h"

#define BERTH_DPP_UNSENT_MAX_BYTES                                                                 \
	((size_t)256 << 10)	 /* four of the longest bodies; then the peer does not read */
#define BERTH_DPP_IDLE_MS 65000	 /* a device may wait 60 s for a person (DPP 6.2.3) */
#define BERTH_DPP_FIRST_MS 10000 /* until the first whole body */
#define BERTH_DPP_LIFE_MS 300000
#define BERTH_DPP_CONNECT_MS 5000
#define BERTH_DPP_ENDING_MS 5000 /* for what was sent last to leave */
/* Of one connection: a device sends six bodies, a relay repeats some of them; 32 at once, then 16 a second. */
#define BERTH_DPP_BURST 32
#define BERTH_DPP_BODY_EVERY_MS 62

struct berth_dpp_server;

struct berth_dpp_server_conf {
	size_t connections_max;
	size_t connections_per_source_max;
	int64_t first_ms, idle_ms; /* 0: BERTH_DPP_FIRST_MS, BERTH_DPP_IDLE_MS */
	/* A whole body. id: of the connection, never used again. body and address live until it returns. */
	void (*message)(void *context, uint64_t id, struct berth_bytes body,
			struct berth_bytes address);
	void (*gone)(void *context, uint64_t id); /* not after berth_dpp_server_cut */
	/* The answer to berth_dpp_server_dial: a connection, or id 0 and why. */
	void (*dialled)(void *context, uint64_t token, uint64_t id, const struct berth_why *why);
	void (*refused)(void *context, struct berth_bytes address, const struct berth_why *why);
	void *context;
};

/* fd: a listening socket, owned from here on (also when this fails); -1: only dials. */
enum berth_err berth_dpp_server_open(struct berth_loop *loop,
				     const struct berth_dpp_server_conf *conf, int fd,
				     struct berth_dpp_server **ret,
				     struct berth_why *why) BERTH_MUST;
/* NULL is fine; cuts all, no callback after it. */
void berth_dpp_server_close(struct berth_dpp_server *server);
/* Nobody new is taken; those that are there go on. */
void berth_dpp_server_stop(struct berth_dpp_server *server);
/* NOT_FOUND: the connection is gone. LIMIT: it does not read; it is cut, and gone is told. */
enum berth_err berth_dpp_server_send(struct berth_dpp_server *server, uint64_t id,
				     struct berth_bytes body) BERTH_MUST;
/* After what was sent has left. A connection that is gone is none. */
void berth_dpp_server_cut(struct berth_dpp_server *server, uint64_t id);
/* host: DNS name or numeric. Always answered by dialled, never from within. */
void berth_dpp_server_dial(struct berth_dpp_server *server, uint64_t token, const char *host,
			   uint16_t port);
size_t berth_dpp_server_connections(const struct berth_dpp_server *server);

#endif
