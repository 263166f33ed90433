/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pledge's half of BRSKI (RFC 8995 4.1 and 5.1 to 5.9.4), as a pure machine: it opens no connection,
 * reads no clock, stores nothing. It learns of proxies and registrars ("candidates"), tries several of
 * them at a time (each attempt with its own nonce, arena and connection), judges the vouchers, and enrols
 * with the first registrar that its manufacturer vouches for. It never trusts a registrar on first use.
 *
 * A walk, as the shell in role/device takes it:
 *
 *	berth_pledge_start(&conf, &env, now, &pledge, &why)
 *	berth_pledge_input(pledge, now, {FOUND, candidate})
 *	berth_pledge_event  -> CONNECT     the shell opens provisional TLS
 *	berth_pledge_input(pledge, now, {CONNECTED, tls})
 *	berth_pledge_output -> POST /.well-known/brski/requestvoucher
 *	berth_pledge_input(pledge, now, {RESPONSE, response, tls})
 *	berth_pledge_output -> POST voucher_status, GET cacerts, GET csrattrs, each answered by an input
 *	berth_pledge_event  -> GENERATE_KEY, answered by berth_pledge_answer
 *	berth_pledge_output -> POST simpleenroll
 *	berth_pledge_event  -> SAVE, answered once it is durable
 *	berth_pledge_event  -> CLOSE, then CONNECT with the new certificate
 *	berth_pledge_output -> POST enrollstatus
 *	berth_pledge_event  -> DONE
 *
 * After every verb the shell takes all events, then all outputs, then sleeps until berth_pledge_deadline
 * and calls berth_pledge_tick. Views in events and outputs live until the next verb.
 */
#ifndef BERTH_PROTOCOL_BRSKI_PLEDGE_H
#define BERTH_PROTOCOL_BRSKI_PLEDGE_H

#include "base/arena.h"
#include "base/message.h"
#include "pki/certificate.h"
#include "protocol/brski/revocation.h"

#define BERTH_PLEDGE_CANDIDATES_MAX 16 /* a link with more proxies than this is being flooded */
#define BERTH_PLEDGE_ATTEMPTS_MAX                                                                  \
	4 /* alive at a time; bounds what hostile peers can make us keep */
#define BERTH_PLEDGE_HOST_BYTES 256 /* a DNS name is at most 255 octets */
#define BERTH_PLEDGE_NONCE_BYTES 16 /* 128 bits: RFC 8995 5.2 wants it unguessable and unrepeated */
#define BERTH_PLEDGE_BODY_MAX_BYTES                                                                \
	((size_t)64 << 10) /* a voucher takes 2 KiB; hostile until verified */
#define BERTH_PLEDGE_ATTEMPT_MAX_BYTES ((size_t)512 << 10) /* arena of one attempt */
#define BERTH_PLEDGE_MAX_BYTES ((size_t)256 << 10)	   /* env.arena needs this much room */

#define BERTH_PLEDGE_SPACING_MIN_MS 3000 /* RFC 8995 4.1: attempts begin 3 to 5 s apart */
#define BERTH_PLEDGE_SPACING_MAX_MS 5000
#define BERTH_PLEDGE_NO_PROGRESS_MS                                                                \
	5000 /* RFC 8995 4.1: then the oldest makes room for a waiting one */
#define BERTH_PLEDGE_BACKOFF_FIRST_S 5
#define BERTH_PLEDGE_BACKOFF_MAX_S 3600 /* RFC 8995 4.1: doubling up to one hour */
#define BERTH_PLEDGE_RETRY_AFTER_MAX_S                                                             \
	60 /* RFC 8995 5.6: a hostile Retry-After holds us no longer */
#define BERTH_PLEDGE_PATIENCE_S                                                                    \
	(4 * 86400) /* RFC 8995 5.6: give up on "202 Accepted" after four days */

struct berth_pledge;

/* A proxy, or a registrar that is its own proxy. host: numeric address (with %scope) or name. */
struct berth_pledge_candidate {
	char host[BERTH_PLEDGE_HOST_BYTES];
	uint16_t port;
	bool is_static; /* from the configuration: never pushed out by discovered ones */
};

/* An enrolment that is saved, but whose enrollstatus may not have been sent (the power went). */
struct berth_pledge_untold {
	struct berth_pledge_candidate candidate;
	struct berth_cert *registrar;	     /* the end entity to meet again, byte for byte */
	const struct berth_cert_list *chain; /* the new certificate */
	struct berth_key *key;
};

struct berth_pledge_conf {
	bool is_configured; /* RFC 8995 4.1: a configured device MUST NOT run; start refuses, untold apart */
	const struct berth_pledge_untold
		*untold; /* with is_configured: only send enrollstatus; else NULL */
	const struct berth_cert_list
		*idevid; /* end entity first; its subject serialNumber is ours */
	struct berth_key *idevid_key;
	const struct berth_cert_list *manufacturer_anchors; /* what vouchers are checked against */
	bool refuse_nonceless; /* RFC 8995 5.6: accepted unless the device's policy says otherwise */
	const char *key_kind;  /* of the LDevID key, "P-256" */
};

/* All of conf and env lives longer than the machine. */
struct berth_pledge_env {
	struct berth_pki *pki;
	struct berth_arena *arena;
	struct berth_random random;
};

enum berth_err berth_pledge_start(const struct berth_pledge_conf *conf,
				  const struct berth_pledge_env *env, struct berth_now now,
				  struct berth_pledge **ret, struct berth_why *why) BERTH_MUST;
void berth_pledge_end(struct berth_pledge *pledge); /* NULL is fine */

enum berth_pledge_input_kind {
	BERTH_PLEDGE_FOUND, /* candidate */
	BERTH_PLEDGE_LOST,  /* candidate: not announced any more; a running attempt goes on */
	BERTH_PLEDGE_LINK_CHANGED, /* RFC 8995 4.1: all back-off starts afresh */
	BERTH_PLEDGE_CONNECTED,	   /* attempt, tls */
	BERTH_PLEDGE_DISCONNECTED, /* attempt, why: could not connect, or lost */
	BERTH_PLEDGE_RESPONSE,	   /* attempt, response, tls */
};

struct berth_pledge_input {
	enum berth_pledge_input_kind kind;
	uint32_t attempt;
	const struct berth_pledge_candidate *candidate;
	const struct berth_http_response *response;
	const struct berth_tls_facts *tls;
	const struct berth_why *why;
};
/*
 * BERTH_E_NOT_FOUND: no such attempt (dropped meanwhile); BERTH_E_STATE: not a message for its state. Neither changes
 * anything. What a peer does wrong is not an error of this call: it ends the attempt, and a NOTE tells.
 */
enum berth_err berth_pledge_input(struct berth_pledge *pledge, struct berth_now now,
				  const struct berth_pledge_input *input,
				  struct berth_why *why) BERTH_MUST;
void berth_pledge_tick(struct berth_pledge *pledge, struct berth_now now);
/* When to tick at the latest; BERTH_MONO_NEVER when only an input can move it. */
struct berth_mono berth_pledge_deadline(const struct berth_pledge *pledge);

struct berth_pledge_output {
	uint32_t attempt;
	struct berth_http_request request;
};
/* The next request to send on its attempt's connection; false when there is none. */
bool berth_pledge_output(struct berth_pledge *pledge, struct berth_pledge_output *ret);

enum berth_pledge_note {
	BERTH_PLEDGE_NOTE_ATTEMPT, /* begins to connect */
	BERTH_PLEDGE_NOTE_VOUCHER_REQUESTED,
	BERTH_PLEDGE_NOTE_WAITS, /* 202: somebody must approve */
	BERTH_PLEDGE_NOTE_REDIRECTED,
	BERTH_PLEDGE_NOTE_VOUCHER_ACCEPTED,  /* and the connection is the pinned registrar's */
	BERTH_PLEDGE_NOTE_VOUCHER_REFUSED,   /* why */
	BERTH_PLEDGE_NOTE_ENROLMENT_REFUSED, /* why: what the registrar sent after the voucher */
	BERTH_PLEDGE_NOTE_CERTIFICATE_ACCEPTED,
	BERTH_PLEDGE_NOTE_FAILED,  /* why: the attempt is over, its candidate backs off */
	BERTH_PLEDGE_NOTE_DROPPED, /* made room for another, or another was chosen */
	BERTH_PLEDGE_NOTE__COUNT
};
/* "attempt", "voucher-accepted" ...: stable words for the log. */
const char *berth_pledge_note_name(enum berth_pledge_note note);

/* What must be durable before the pledge goes on. */
struct berth_pledge_enrolment {
	const struct berth_cert_list
		*chain; /* the issued certificate, first; then its path inside the CA set */
	const struct berth_cert_list *ca_set; /* the owner's anchors (EST cacerts) */
	const struct berth_cert *pinned;      /* what the voucher pinned */
	const struct berth_cert *registrar;
	uint8_t domain_id[32];
	size_t domain_id_bytes;
};

enum berth_pledge_event_kind {
	BERTH_PLEDGE_CONNECT,	   /* host, port, chain, key, pinned */
	BERTH_PLEDGE_CLOSE,	   /* the attempt's connection, if there is one */
	BERTH_PLEDGE_GENERATE_KEY, /* key_kind; answered by berth_pledge_answer */
	BERTH_PLEDGE_FORGET_KEY,   /* the attempt's generated key will not be used */
	BERTH_PLEDGE_FETCH, /* fetch->fetch, over plain HTTP; answered by berth_pledge_answer */
	BERTH_PLEDGE_SAVE,  /* enrolment; answered by berth_pledge_answer */
	BERTH_PLEDGE_NOTE,  /* note, why; for the log */
	BERTH_PLEDGE_DONE,  /* why.err OK: the registrar has heard of it; else it has not */
};

struct berth_pledge_event {
	enum berth_pledge_event_kind kind;
	uint32_t attempt;
	const char *host;
	uint16_t port;
	const struct berth_cert_list *chain; /* what to present to the server */
	struct berth_key *key;
	struct berth_cert *pinned; /* NULL: provisional; else the only end entity to accept */
	const char *key_kind;
	const struct berth_pledge_enrolment *enrolment;
	const struct berth_revocation *fetch; /* until it is answered */
	enum berth_pledge_note note;
	int status; /* NOTE: of the last HTTP response of the attempt, 0: none yet */
	struct berth_why why;
};
bool berth_pledge_event(struct berth_pledge *pledge, struct berth_pledge_event *ret);

struct berth_pledge_answer {
	enum berth_pledge_event_kind kind; /* GENERATE_KEY, FETCH or SAVE */
	uint32_t attempt;
	enum berth_err err;
	struct berth_key *key;	     /* GENERATE_KEY; the machine takes its own reference */
	struct berth_bytes body;     /* FETCH: of a reply with status 200; else empty */
	const struct berth_why *why; /* with err, or an empty body */
};
enum berth_err berth_pledge_answer(struct berth_pledge *pledge, struct berth_now now,
				   const struct berth_pledge_answer *answer,
				   struct berth_why *why) BERTH_MUST;

#endif
