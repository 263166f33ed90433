/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP/1.1 over TLS or a Unix socket, on libevent. The traps of design.md 8a are handled here: a total deadline per
 * request, differing Content-Length, unknown Transfer-Encoding and missing Host refused, no HTML error pages, no silent reconnection.
 */
#ifndef BERTH_NET_HTTP_H
#define BERTH_NET_HTTP_H

#include "base/arena.h"
#include "base/message.h"
#include "net/loop.h"
#include "net/networks.h"
#include "net/tls.h"

/* ---- client: one connection, requests one after the other on it ---- */
struct berth_http_client;

struct berth_http_client_conf {
	const char *
		address; /* numeric address (with %scope), host name, or path of a Unix socket ("/run/...") */
	uint16_t port;
	const char *host;		    /* Host header and, with tls.server_name, SNI */
	const struct berth_tls_client *tls; /* NULL: plain */
	int64_t connect_timeout_ms;
	int64_t request_timeout_ms; /* total for one exchange */
	size_t body_limit_bytes;
	/* Not NULL: a stranger chose the address, so only public ones are connected to, and these. */
	const struct berth_networks *public_and;
};

/*
 * Called once per request. response->status 0: failed, why says how: BERTH_E_UNREACHABLE when the connection ended before
 * a byte of an answer, BERTH_E_TIMEOUT, BERTH_E_SYNTAX, BERTH_E_LIMIT ... tls as seen on this very connection (NULL without
 * TLS). Views borrow until it returns; it may close the client.
 */
typedef void berth_http_done(void *context, const struct berth_http_response *response,
			     const struct berth_tls_facts *tls, const struct berth_why *why);

enum berth_err berth_http_client_open(struct berth_loop *loop,
				      const struct berth_http_client_conf *conf,
				      struct berth_http_client **ret,
				      struct berth_why *why) BERTH_MUST;
/*
 * The server's chain becomes known before the first request's body must be built: connect first, then ask. Called once
 * from the loop, never from within berth_http_client_connect. why NULL: connected (tls NULL without TLS); else how it failed.
 */
typedef void berth_http_connected(void *context, const struct berth_tls_facts *tls,
				  const struct berth_why *why);
void berth_http_client_connect(struct berth_http_client *client, berth_http_connected *connected,
			       void *context);
/* Only after connected, one at a time. After the peer closed: status 0 and BERTH_E_UNREACHABLE, never a second connection. */
void berth_http_client_send(struct berth_http_client *client,
			    const struct berth_http_request *request, berth_http_done *done,
			    void *context);
/* For the requests from here on. */
void berth_http_client_set_timeout(struct berth_http_client *client, int64_t request_timeout_ms);
/* Connected, no request under way, and the peer has not closed. */
bool berth_http_client_is_ready(const struct berth_http_client *client);
/* NULL is fine; no callback after it. */
void berth_http_client_close(struct berth_http_client *client);

/* ---- server ---- */
struct berth_http_server;
struct berth_http_exchange; /* one request that waits for its reply */

struct berth_http_server_conf {
	const struct berth_tls_server *tls; /* NULL: plain (Unix socket) */
	size_t body_limit_bytes;
	int64_t request_timeout_ms; /* total, from the first byte to the last of one request; TLS handshake likewise */
	int64_t idle_timeout_ms;
	int64_t pending_timeout_ms; /* then 503 and on_gone */
	size_t connections_max;
	size_t connections_per_source_max; /* one IPv4 address, one IPv6 /64, one link-local address; 0: no limit */
	/*
	 * Called from the loop for each whole request that passed our own checks. Views borrow until it returns; the
	 * exchange lives until it is replied to or gone. It may reply at once.
	 */
	void (*on_request)(void *context, struct berth_http_exchange *exchange,
			   const struct berth_http_request *request,
			   const struct berth_tls_facts *tls, struct berth_bytes peer_address);
	/* The requester left, or waited longer than pending_timeout_ms: the exchange must not be used after this. */
	void (*on_gone)(void *context, struct berth_http_exchange *exchange);
	/* One line for the log: a connection refused or cut (old TLS, slow sender, oversize ...). */
	void (*on_refused)(void *context, struct berth_bytes peer_address,
			   const struct berth_why *why);
	void *context;
};

/* fd: a listening socket (owned from here on). */
enum berth_err berth_http_server_open(struct berth_loop *loop,
				      const struct berth_http_server_conf *conf, int fd,
				      struct berth_http_server **ret,
				      struct berth_why *why) BERTH_MUST;
/* Ends all connections at once; on_gone is called for what waits. NULL is fine. */
void berth_http_server_close(struct berth_http_server *server);
/*
 * Takes no new connection, closes the idle ones, answers what waits with Connection: close; drained is called from the
 * loop once the last connection is gone (also when there was none).
 */
void berth_http_server_drain(struct berth_http_server *server, void (*drained)(void *context),
			     void *context);
struct berth_http_server_counts {
	uint64_t connections; /* open now */
	uint64_t accepted;
	uint64_t refused; /* connections and requests that got no further than this server */
	uint64_t requests;
};
struct berth_http_server_counts berth_http_server_counts(const struct berth_http_server *server);
/*
 * Once per exchange, which is gone afterwards. Header and body leave in one write. The media type of the reply is
 * response->media_type, with its parameters.
 */
void berth_http_reply(struct berth_http_exchange *exchange,
		      const struct berth_http_response *response);
/*
 * Other ways in which a reply is written and still right (RFC 9112), for a server that tests its clients. All false: as
 * berth_http_reply.
 */
struct berth_http_manner {
	bool interim; /* 103 Early Hints come before it */
	bool odd_fields; /* field names in mixed case, spaces before values, a field that means nothing */
	bool as_http_1_0; /* no length: the body ends with the connection */
	size_t chunk_bytes; /* chunked, in pieces of this size, each in a TLS record of its own; 0: not */
};
void berth_http_reply_in_manner(struct berth_http_exchange *exchange,
				const struct berth_http_response *response,
				const struct berth_http_manner *manner);
/* Ends the connection without an answer; on_gone is not called. */
void berth_http_exchange_drop(struct berth_http_exchange *exchange);
void berth_http_exchange_set(struct berth_http_exchange *exchange, void *pointer);
void *berth_http_exchange_get(const struct berth_http_exchange *exchange);
/* The connection's descriptor, borrowed: for the peer's credentials on a Unix socket. */
int berth_http_exchange_fd(const struct berth_http_exchange *exchange);

#endif
