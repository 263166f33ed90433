/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How an enrolled device keeps its certificate (RFC 7030 4.1, 4.2.2; draft-ietf-lamps-est-renewal-info), as a pure machine. It
 * asks its registrar now and then for the CA certificates and for advice when to renew; at two thirds of the
 * certificate's life, or earlier where the advice says so, it renews with a new key. It talks to nobody whose
 * certificate does not lead to its CA set and who is no registrar (id-kp-cmcRA).
 *
 *	berth_renewal_start(&conf, &env, now, &renewal, &why)
 *	berth_renewal_event  -> CONNECT	with the certificate and its key; anchors: the CA set
 *	berth_renewal_input(renewal, now, {CONNECTED, tls})
 *	berth_renewal_event  -> FETCH		once for each certificate of the registrar that names a source, answered
 *	berth_renewal_output -> GET cacerts, GET renewal-info
 *	  and when it is time:	GET csrattrs
 *	berth_renewal_event  -> GENERATE_KEY, answered by berth_renewal_answer
 *	berth_renewal_output -> POST simplereenroll
 *	berth_renewal_event  -> SAVE (is_renewed), answered once it is durable; the old key goes only then
 *	berth_renewal_event  -> CLOSE
 *
 * Time. Which time it is, the machine takes from the registrar's advice where it has one, else from the device's
 * clock while that lies within the certificate's own life. A clock that lies outside it is wrong, or the certificate
 * is over: the device cannot know, so it judges no dates and asks the registrar, who knows. Refused then, or not
 * reached when the certificate is over, it must onboard again: OVER. A refusal within the certificate's life
 * (revoked, denied) is no reason for that; it goes on asking, ever less often.
 *
 * After every verb the shell takes all events, then all outputs, then sleeps until berth_renewal_deadline and calls
 * berth_renewal_tick. Views in events and outputs live until the next verb.
 */
#ifndef BERTH_PROTOCOL_EST_RENEWAL_H
#define BERTH_PROTOCOL_EST_RENEWAL_H

#include "base/arena.h"
#include "base/message.h"
#include "base/random.h"
#include "base/time.h"
#include "pki/certificate.h"
#include "protocol/brski/revocation.h"

#define BERTH_RENEWAL_MAX_BYTES ((size_t)512 << 10) /* env.arena needs this much room */
#define BERTH_RENEWAL_HOST_BYTES 256		    /* a DNS name is at most 255 octets */
#define BERTH_RENEWAL_PLACES_MAX 8 /* where else the registrar may be; more is a flood */
#define BERTH_RENEWAL_BODY_MAX_BYTES ((size_t)64 << 10) /* a long CA set takes 16 KiB */

/* Two thirds, and up to a twelfth of the life later, so that devices of one day do not come at one time. */
#define BERTH_RENEWAL_JITTER_PART 12
#define BERTH_RENEWAL_BACKOFF_FIRST_MAX_S 60 /* a hundredth of the life, but not longer */
#define BERTH_RENEWAL_BACKOFF_MAX_S ((int64_t)6 * 3600) /* a tenth of the life, but not longer */
#define BERTH_RENEWAL_RETRY_AFTER_MAX_S 86400	      /* a registrar cannot silence us for longer */
#define BERTH_RENEWAL_WAIT_MAX_S 3600		      /* Retry-After of a 202 */
#define BERTH_RENEWAL_PATIENCE_S ((int64_t)4 * 86400) /* of 202 altogether, as RFC 8995 5.6 */
#define BERTH_RENEWAL_LOOK_AGAIN_MS ((int64_t)3600 * 1000) /* a clock may be set while we sleep */
#define BERTH_RENEWAL_SEARCH_AFTER 2 /* failures to reach the registrar before it is looked for */
#define BERTH_RENEWAL_OVER_AFTER 2   /* the same, once the certificate is over, before onboarding */
#define BERTH_RENEWAL_RECONNECTS_MAX 3 /* in a row, with a request on its way */

struct berth_renewal;

/* What is done where nobody says whether the registrar's certificate was revoked. One that was is refused in any case. */
enum berth_renewal_revocation {
	BERTH_RENEWAL_REVOCATION_IF_REACHABLE, /* NOTE_REVOCATION_UNKNOWN, and on */
	BERTH_RENEWAL_REVOCATION_REQUIRED,     /* the registrar is refused */
	BERTH_RENEWAL_REVOCATION_IGNORED,      /* nobody is asked */
};

struct berth_renewal_place {
	char host[BERTH_RENEWAL_HOST_BYTES];
	uint16_t port;
};

struct berth_renewal_conf {
	const struct berth_cert_list *chain; /* the certificate, first */
	struct berth_key *key;
	const struct berth_cert_list *ca_set;
	const struct berth_renewal_place *place; /* where the registrar was met last */
	bool has_issued_at; /* with a clock that could be trusted then; else its notBefore counts */
	struct berth_wall issued_at;
	const char *key_kind;  /* of new keys, "P-256" */
	int64_t check_every_s; /* between two questions for advice */
	enum berth_renewal_revocation revocation;
};

/* env outlives the machine; conf need not, but for key_kind. */
struct berth_renewal_env {
	struct berth_pki *pki;
	struct berth_arena *arena;
	struct berth_random random;
};

enum berth_err berth_renewal_start(const struct berth_renewal_conf *conf,
				   const struct berth_renewal_env *env, struct berth_now now,
				   struct berth_renewal **ret, struct berth_why *why) BERTH_MUST;
void berth_renewal_end(struct berth_renewal *renewal); /* NULL is fine */

enum berth_renewal_input_kind {
	BERTH_RENEWAL_FOUND,	    /* place: a registrar may be there */
	BERTH_RENEWAL_LINK_CHANGED, /* who was away may be back */
	BERTH_RENEWAL_CONNECTED,    /* tls */
	BERTH_RENEWAL_DISCONNECTED, /* why: could not connect, or lost */
	BERTH_RENEWAL_RESPONSE,	    /* response */
};
struct berth_renewal_input {
	enum berth_renewal_input_kind kind;
	const struct berth_renewal_place *place;
	const struct berth_http_response *response;
	const struct berth_tls_facts *tls;
	const struct berth_why *why;
};
/* BERTH_E_STATE: not a message for its state; changes nothing. What a peer does wrong ends the exchange: a NOTE. */
enum berth_err berth_renewal_input(struct berth_renewal *renewal, struct berth_now now,
				   const struct berth_renewal_input *input,
				   struct berth_why *why) BERTH_MUST;
void berth_renewal_tick(struct berth_renewal *renewal, struct berth_now now);
struct berth_mono berth_renewal_deadline(const struct berth_renewal *renewal);
/* The next request to send; false when there is none. */
bool berth_renewal_output(struct berth_renewal *renewal, struct berth_http_request *ret);

enum berth_renewal_note {
	BERTH_RENEWAL_NOTE_ASKS,    /* begins to connect */
	BERTH_RENEWAL_NOTE_ADVISED, /* why.sentence: the registrar's explanation */
	BERTH_RENEWAL_NOTE_CA_SET,  /* the registrar's CA certificates have changed and are taken */
	BERTH_RENEWAL_NOTE_CA_SET_REFUSED,     /* why */
	BERTH_RENEWAL_NOTE_REVOCATION_UNKNOWN, /* why: of the registrar's certificate */
	BERTH_RENEWAL_NOTE_CLOCK,	       /* why: the device's clock is in doubt */
	BERTH_RENEWAL_NOTE_BEGINS,	       /* to renew */
	BERTH_RENEWAL_NOTE_WAITS,	       /* 202 */
	BERTH_RENEWAL_NOTE_RENEWED,
	BERTH_RENEWAL_NOTE_REFUSED, /* why: by the registrar */
	BERTH_RENEWAL_NOTE_FAILED,  /* why; it backs off */
	BERTH_RENEWAL_NOTE__COUNT
};
/* "asks", "renewed" ...: stable words for the log. */
const char *berth_renewal_note_name(enum berth_renewal_note note);

enum berth_renewal_event_kind {
	BERTH_RENEWAL_CONNECT,	    /* place, chain, key, ca_set */
	BERTH_RENEWAL_CLOSE,	    /* the connection, if there is one, and the fetch */
	BERTH_RENEWAL_FETCH,	    /* fetch, within 15 s; answered; one at a time */
	BERTH_RENEWAL_SEARCH,	    /* look for the registrar elsewhere: FOUND */
	BERTH_RENEWAL_SEARCH_ENDS,  /* it was reached */
	BERTH_RENEWAL_GENERATE_KEY, /* key_kind; answered */
	BERTH_RENEWAL_FORGET_KEY,   /* the generated key will not be used */
	BERTH_RENEWAL_SAVE, /* chain, ca_set, place; is_renewed: with the generated key; answered */
	BERTH_RENEWAL_NOTE, /* note, why; for the log */
	BERTH_RENEWAL_OVER, /* why: the device must onboard again; the machine does nothing more */
};

struct berth_renewal_event {
	enum berth_renewal_event_kind kind;
	const struct berth_renewal_place *place;
	const struct berth_cert_list *chain;
	struct berth_key *key;
	const struct berth_cert_list *ca_set;
	const char *key_kind;
	const struct berth_revocation *fetch; /* lives until it is answered, or CLOSE */
	bool is_renewed;
	enum berth_renewal_note note;
	struct berth_why why;
};
bool berth_renewal_event(struct berth_renewal *renewal, struct berth_renewal_event *ret);

struct berth_renewal_answer {
	enum berth_renewal_event_kind kind; /* GENERATE_KEY, SAVE or FETCH */
	enum berth_err err;
	struct berth_key *key;	     /* GENERATE_KEY; the machine takes its own reference */
	struct berth_bytes body;     /* FETCH: of a reply with status 200, else empty and why */
	const struct berth_why *why; /* with err */
};
enum berth_err berth_renewal_answer(struct berth_renewal *renewal, struct berth_now now,
				    const struct berth_renewal_answer *answer,
				    struct berth_why *why) BERTH_MUST;

#endif
