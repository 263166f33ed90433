/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is one certificate revoked? A pure machine for whoever relies on a certificate that names an OCSP responder or a
 * revocation list: MASA, device. It says what to fetch, and judges what came; the caller fetches, and keeps what was
 * good until good_until if it likes.
 *
 *	BERTH_REVOCATION r;
 *	step = berth_revocation_start(&r, pki, cert, issuer, now);
 *	while (step == BERTH_REVOCATION_FETCH)
 *		step = berth_revocation_answer(&r, what came of r.fetch, or nothing and why);
 *	GOOD, or REFUSED with r.why: DENIED, it was revoked; else why it is not known.
 *
 * OCSP is asked first: it is shorter and newer. When no answer of use comes, and a list is named too, the list is read.
 * A certificate that names nothing is GOOD with has_source false: there is nothing to ask (RFC 8995 5.5.4).
 */
#ifndef BERTH_PROTOCOL_BRSKI_REVOCATION_H
#define BERTH_PROTOCOL_BRSKI_REVOCATION_H

#include "base/message.h"
#include "pki/certificate.h"

#define BERTH_REVOCATION_HOST_MAX 254
#define BERTH_REVOCATION_PATH_MAX 512
/* Of an answer: what one frame between two processes holds, and three times the largest list that we make. */
#define BERTH_REVOCATION_BODY_MAX 98304

/* http://host[:port][/path[?query]] and nothing else. */
struct berth_revocation_url {
	char host[BERTH_REVOCATION_HOST_MAX]; /* lower case, without brackets */
	uint16_t port;
	char path[BERTH_REVOCATION_PATH_MAX]; /* "/" at least */
	char query[BERTH_REVOCATION_PATH_MAX];
};
enum berth_err berth_revocation_url_parse(struct berth_bytes text, struct berth_revocation_url *ret,
					  struct berth_why *why) BERTH_MUST;

enum berth_revocation_step {
	BERTH_REVOCATION_FETCH,
	BERTH_REVOCATION_GOOD,
	BERTH_REVOCATION_REFUSED
};

struct berth_revocation {
	/* for the caller to read */
	struct {
		struct berth_revocation_url url;
		struct berth_http_request request; /* views live as long as the machine */
		bool is_ocsp;
	} fetch;
	bool has_source;
	struct berth_wall good_until; /* the answer just judged holds so long; 0: do not keep it */
	struct berth_why why;

	/* the machine's own */
	struct berth_pki *pki;
	const struct berth_cert *cert, *issuer;
	struct berth_wall now;
	struct berth_buf ask;
	bool has_asked_ocsp;
};

/* cert and issuer outlive the machine. */
enum berth_revocation_step berth_revocation_start(struct berth_revocation *r, struct berth_pki *pki,
						  const struct berth_cert *cert,
						  const struct berth_cert *issuer,
						  struct berth_wall now);
/* body: of a reply with status 200; empty: none came, and why says so (its sentence is passed on). */
enum berth_revocation_step berth_revocation_answer(struct berth_revocation *r,
						   struct berth_bytes body,
						   const struct berth_why *why);
void berth_revocation_end(struct berth_revocation *r);
#define BERTH_REVOCATION BERTH_CLEANUP(berth_revocation_end) struct berth_revocation

#endif
