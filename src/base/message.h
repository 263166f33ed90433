/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An HTTP message as protocols see it: method, path, media type, body, and who is at the other end
 * of TLS. HTTP's own bytes belong to net/http; this is what net, the processes' IPC and the
 * protocol machines share. All views borrow.
 */
#ifndef BERTH_BASE_MESSAGE_H
#define BERTH_BASE_MESSAGE_H

#include "base/bytes.h"

enum berth_http_method {
	BERTH_HTTP_GET,
	BERTH_HTTP_POST,
	BERTH_HTTP_PUT,
	BERTH_HTTP_DELETE,
	BERTH_HTTP_OTHER
};

#define BERTH_TLS_UNIQUE_BYTES 12 /* verify_data of every cipher suite in use (RFC 5246 7.4.9) */
#define BERTH_TLS_RANDOM_BYTES 32
#define BERTH_CHAIN_MAX 8 /* certificates a TLS peer may send; deeper chains have no use here */

/* What TLS says of the peer and of ourselves on this connection. */
struct berth_tls_facts {
	struct berth_bytes peer_chain[BERTH_CHAIN_MAX]; /* DER, end entity first, as sent */
	size_t peer_count;				/* 0: no certificate */
	struct berth_bytes own_certificate;		/* DER of the end entity we presented */
	struct berth_bytes exporter; /* RFC 9266 tls-exporter, 32 bytes, TLS 1.3 only; else empty */
	struct berth_bytes tls_unique; /* RFC 5929 3, 12 bytes, TLS 1.2 only; else empty */
	/* ClientHello.random: whoever passed the connection on has seen it too, and nobody can guess it; a server's alone. */
	struct berth_bytes client_random;
	uint16_t version;    /* 0x0303, 0x0304; 0: no TLS (admin socket) */
	uint64_t connection; /* unique in this net process; same value = same connection */
};

struct berth_http_request {
	enum berth_http_method method;
	struct berth_bytes path;	  /* decoded path without query, begins with '/' */
	struct berth_bytes query;	  /* after '?', raw; empty if none */
	struct berth_bytes media_type;	  /* Content-Type without parameters, lower case */
	struct berth_bytes accept;	  /* Accept, raw; empty: anything */
	struct berth_bytes user_agent;	  /* raw, may be empty */
	struct berth_bytes authorization; /* raw; never logged */
	struct berth_bytes body;
};

struct berth_http_response {
	int status;		       /* 0: the peer could not be reached */
	struct berth_bytes media_type; /* for a reply we build: with its parameters */
	struct berth_bytes location;   /* empty if none */
	struct berth_bytes
		www_authenticate; /* a reply's challenge (RFC 9110 11.6.1); empty if none */
	int32_t retry_after_s;	  /* -1: no header */
	bool close;		  /* close the connection after this reply */
	struct berth_bytes body;
};

#endif
