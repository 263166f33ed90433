/* SPDX-License-Identifier: BSD-2-Clause */
/* For net only: TLS connections as libevent buffers, and what they saw. */
#ifndef BERTH_NET_TLS_EVENT_H
#define BERTH_NET_TLS_EVENT_H

#include "net/tls.h"

struct bufferevent;
struct event_base;

#define BERTH_TLS_CHAIN_BYTES_MAX                                                                  \
	32768			    /* what a peer may send as its chain; leaves room in a frame */
#define BERTH_TLS_EXPORTER_BYTES 32 /* RFC 9266 4.2 */

/* A buffer without a descriptor yet. done is called once, when the handshake is complete. */
struct berth_tls_hooks {
	void (*done)(void *context);
	void *context;
};
enum berth_err berth_tls_accept(struct berth_tls_server *server, struct event_base *base,
				const struct berth_tls_hooks *hooks,
				struct bufferevent **ret) BERTH_MUST;
/* Over a connected descriptor, owned from here on (also on failure). */
enum berth_err berth_tls_connect(struct berth_tls_client *client, struct event_base *base, int fd,
				 struct bufferevent **ret) BERTH_MUST;

/* A copy of what the handshake told; facts' views point into it. */
struct berth_tls_seen {
	struct berth_tls_facts facts;
	uint8_t exporter[BERTH_TLS_EXPORTER_BYTES];
	uint8_t tls_unique[BERTH_TLS_UNIQUE_BYTES];
	uint8_t client_random[BERTH_TLS_RANDOM_BYTES];
	uint8_t *memory;
};
/* connection: the number for facts.connection. */
enum berth_err berth_tls_see(struct bufferevent *bev, uint64_t connection,
			     struct berth_tls_seen *ret) BERTH_MUST;
void berth_tls_seen_free(struct berth_tls_seen *seen);

bool berth_tls_is_established(struct bufferevent *bev);
/* Why this connection ended: a rule of ours for what OpenSSL says. */
enum berth_err berth_tls_failure(struct bufferevent *bev, struct berth_why *why) BERTH_MUST;
/* As berth_tls_failure, but says first what our own check of the server found. */
enum berth_err berth_tls_client_failure(const struct berth_tls_client *client,
					struct bufferevent *bev, struct berth_why *why) BERTH_MUST;
/* Sends close_notify where the handshake was completed, without waiting. */
void berth_tls_say_end(struct bufferevent *bev);

#endif
