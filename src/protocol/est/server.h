/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EST server (RFC 7030, 8951, 9908) as a pure machine for each request:
 *
 *	GET cacerts, csrattrs:	input -> END (200)
 *	POST simpleenroll:	input -> [USER ->] PERMISSION -> CERTIFICATE -> END (200)
 *	POST simplereenroll:	input -> PERMISSION -> CERTIFICATE -> END (200)
 *	  the same CSR again:	... -> PERMISSION -> END (200, the same certificate)
 *	  somebody must decide:	... -> PERMISSION -> END (202 with Retry-After)
 *	  refused:		... -> END (4xx) with a sentence and its rule
 *	serverkeygen, fullcmc:	input -> END (501): keys are made where they are used
 *
 * Who asks: a device with its birth certificate, whose permission is the voucher step that passed (or its maker's section
 * of the configuration); a user with a password; for a renewal the holder of the certificate that is to be renewed.
 * What a request may ask for is in protocol/est/names.h. A label of the path (/.well-known/est/LABEL/...) names a
 * profile: its own csrattrs, lifetime and clients.
 */
#ifndef BERTH_PROTOCOL_EST_SERVER_H
#define BERTH_PROTOCOL_EST_SERVER_H

#include "model/decision.h"
#include "protocol/brski/peer.h"
#include "protocol/est/body.h"
#include "protocol/est/names.h"
#include "protocol/est/path.h"

/* What the caller must do next. */
enum berth_est_event {
	BERTH_EST_NEED_INPUT,	    /* the state before input; never returned */
	BERTH_EST_NEED_USER,	    /* whose are x->authorization's name and password? */
	BERTH_EST_NEED_PERMISSION,  /* may x->client have a certificate for x->key_digest? */
	BERTH_EST_NEED_CERTIFICATE, /* write the intent; have a certificate for x->request signed */
	BERTH_EST_END,		    /* send x->response */
};

enum berth_est_client {
	BERTH_EST_CLIENT_NONE,
	BERTH_EST_CLIENT_DEVICE,  /* by the IDevID of the TLS connection */
	BERTH_EST_CLIENT_USER,	  /* by HTTP basic authentication */
	BERTH_EST_CLIENT_RENEWAL, /* by the LDevID of the TLS connection, which is renewed */
};

/* What a label means; the first of a configuration has the empty name: no label. */
struct berth_est_profile {
	const char *name;
	struct berth_csrattrs attrs; /* what a request must answer; serialNumber: of devices */
	enum berth_csrattrs_style style;
	bool needs_link;  /* a challengePassword must be there (RFC 7030 3.5) */
	bool takes_users; /* who comes without a certificate is asked for a password */
	struct berth_buf csrattrs_body[3]; /* by layout */
};

/* Built once at start; borrowed by every machine. */
struct berth_est_conf {
	struct berth_pki *pki;
	const struct berth_cert_list *cacerts; /* issuing CA first, then what is above it */
	struct berth_bytes organization;       /* of the certificates */
	struct berth_est_profile *profiles;    /* owned by the caller, but the bodies in them */
	size_t profile_count;
	enum berth_est_layout layout;
	/* base64 bodies of cacerts, by layout (BERTH_EST_LAYOUT_LINE, _WRAPPED). */
	struct berth_buf cacerts_body[3];
};
/* Fills the bodies from cacerts and the profiles. */
enum berth_err berth_est_conf_build(struct berth_est_conf *conf, struct berth_why *why) BERTH_MUST;
void berth_est_conf_free(struct berth_est_conf *conf);
/* NULL: there is no such label. */
const struct berth_est_profile *berth_est_profile_find(const struct berth_est_conf *conf,
						       struct berth_bytes label);

struct berth_est {
	/* for the caller to read */
	const struct berth_peer *peer;
	const struct berth_est_profile *profile;
	enum berth_est_client client;
	struct berth_bytes authorization;	    /* NEED_USER: the header's value */
	struct berth_request *request;		    /* checked; NULL before */
	uint8_t key_digest[BERTH_SHA256_BYTES];	    /* of the request's SPKI */
	uint8_t request_digest[BERTH_SHA256_BYTES]; /* of its DER */
	struct berth_http_response response;	    /* body lives as long as the machine and conf */
	struct berth_why why;
	struct berth_decision decision;

	/* the machine's own */
	enum berth_est_event state;
	enum berth_est_operation operation;
	const struct berth_est_conf *conf;
	enum berth_est_layout layout;
	struct berth_est_names names;
	const struct berth_http_request *http; /* until the user is known */
	const struct berth_tls_facts *tls;
	struct berth_buf body;
	char text[BERTH_WHY_SENTENCE_MAX + 96];
};
void berth_est_end(struct berth_est *x);
#define BERTH_EST BERTH_CLEANUP(berth_est_end) struct berth_est

/*
 * conf, profile and peer outlive the machine; peer may be NULL for cacerts and csrattrs of nobody in particular. tls (NULL:
 * none is known) borrows as the request does.
 */
void berth_est_start(struct berth_est *x, const struct berth_est_conf *conf,
		     const struct berth_est_profile *profile, enum berth_est_operation operation,
		     const struct berth_peer *peer, const struct berth_tls_facts *tls);
/* http borrows until the machine asks for something else than NEED_USER. */
enum berth_est_event berth_est_input(struct berth_est *x,
				     const struct berth_http_request *http) BERTH_MUST;
/*
 * names: the user's, whose views outlive the machine. NULL: why tells. UNTRUSTED: wrong, 401; LIMIT: too often wrong, 429.
 */
enum berth_est_event berth_est_answer_user(struct berth_est *x, const struct berth_est_names *names,
					   const struct berth_why *why) BERTH_MUST;

struct berth_est_permission {
	struct berth_why
		why; /* err OK: granted for this key; PENDING: 202; LIMIT: 429; else why not */
	struct berth_bytes certificate; /* what this request got before, or empty */
	int32_t retry_after_s;		/* PENDING, LIMIT */
};
enum berth_est_event berth_est_answer_permission(
	struct berth_est *x, const struct berth_est_permission *answer) BERTH_MUST;
enum berth_est_event berth_est_answer_certificate(struct berth_est *x,
						  struct berth_bytes der) BERTH_MUST;
/* The caller could not do what was asked: ends with 503, or 403 where why says DENIED. */
enum berth_est_event berth_est_fail(struct berth_est *x, const struct berth_why *why) BERTH_MUST;

#endif
