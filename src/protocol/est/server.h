/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EST server (RFC 7030, 8951) as far as a BRSKI registrar needs it, as a pure machine for each request:
 *
 *	GET cacerts, csrattrs:	input -> END (200)
 *	POST simpleenroll:	input -> PERMISSION -> CERTIFICATE -> END (200)
 *	  the same CSR again:	input -> PERMISSION -> END (200, the same certificate)
 *	  refused:		... -> END (4xx) with a sentence and its rule
 *
 * A certificate goes only to a device whose voucher step has passed (checklist 30): the permission is a single-use
 * row of the store that names the device of the TLS connection; the first use fixes the key. What the CSR may ask for is
 * what csrattrs told: the device's own serial number in the subject, a P-256 key, no other names, no authority.
 */
#ifndef BERTH_PROTOCOL_EST_SERVER_H
#define BERTH_PROTOCOL_EST_SERVER_H

#include "model/decision.h"
#include "pki/csrattrs.h"
#include "protocol/brski/peer.h"
#include "protocol/est/body.h"

enum berth_est_operation { BERTH_EST_CACERTS, BERTH_EST_CSRATTRS, BERTH_EST_SIMPLEENROLL };

/* What the caller must do next. */
enum berth_est_event {
	BERTH_EST_NEED_INPUT,	    /* the state before input; never returned */
	BERTH_EST_NEED_PERMISSION,  /* use the permission of x->peer for x->key_digest */
	BERTH_EST_NEED_CERTIFICATE, /* write the intent; have a certificate for x->request signed */
	BERTH_EST_END,		    /* send x->response */
};

/* Built once at start; borrowed by every machine. */
struct berth_est_conf {
	struct berth_pki *pki;
	const struct berth_cert_list *cacerts; /* issuing CA first, then what is above it */
	struct berth_csrattrs attrs;	       /* what a request must answer */
	enum berth_est_layout layout;
	/* base64 bodies of cacerts and csrattrs, by layout (BERTH_EST_LAYOUT_LINE, _WRAPPED). */
	struct berth_buf cacerts_body[3];
	struct berth_buf csrattrs_body[3];
};
/* Fills the bodies from cacerts and attrs. */
enum berth_err berth_est_conf_build(struct berth_est_conf *conf, struct berth_why *why) BERTH_MUST;
void berth_est_conf_free(struct berth_est_conf *conf);

struct berth_est {
	/* for the caller to read */
	const struct berth_peer *peer;
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
	struct berth_buf body;
	char text[BERTH_WHY_SENTENCE_MAX + 96];
};
void berth_est_end(struct berth_est *x);
#define BERTH_EST BERTH_CLEANUP(berth_est_end) struct berth_est

/* conf and peer outlive the machine. */
void berth_est_start(struct berth_est *x, const struct berth_est_conf *conf,
		     enum berth_est_operation operation, const struct berth_peer *peer);
enum berth_est_event berth_est_input(struct berth_est *x,
				     const struct berth_http_request *http) BERTH_MUST;
/* err OK: granted for this key; certificate: what this key got before, or empty. Else why says why it may not. */
enum berth_est_event berth_est_answer_permission(struct berth_est *x, const struct berth_why *why,
						 struct berth_bytes certificate) BERTH_MUST;
enum berth_est_event berth_est_answer_certificate(struct berth_est *x,
						  struct berth_bytes der) BERTH_MUST;
/* The caller could not do what was asked: ends with 503, or 403 where why says DENIED. */
enum berth_est_event berth_est_fail(struct berth_est *x, const struct berth_why *why) BERTH_MUST;

/*
 * For the signer too: the request answers attrs, its subject names serial_number and nothing of others, it asks for no
 * authority. Proof of possession was checked when it was parsed.
 */
enum berth_err berth_est_request_check(const struct berth_request *request,
				       const struct berth_csrattrs *attrs,
				       struct berth_bytes serial_number,
				       struct berth_why *why) BERTH_MUST;

#endif
