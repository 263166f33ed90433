/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MASA's answer to a claim, a release or a transfer (request.h), as pure steps: who asks, what the store must be
 * asked, the decision with its trace, the reply. The caller looks up facts and does what was decided:
 *
 *	berth_ownership_start(&o, pki, act, now)
 *	err = berth_ownership_input(&o, &policy, &http, &tls)		who asks, for which unit
 *	err = err ? err : berth_ownership_decide(&o, &facts)		may it; o.effect is what to write
 *	err = err ? err : berth_ownership_check_revocation(&o)		is its certificate revoked
 *	PENDING: o.revocation says what to fetch, then berth_ownership_answer_revocation; then look up and decide again
 *	err = err ? err : berth_ownership_end_well(&o, &reply)
 *	any err: o.response is the refusal, o.why its reason
 *
 * The asker is a domain: the farthest certificate of the path that its registrar's TLS certificate has inside what it
 * sent, exactly as for a voucher-request. A stranger learns nothing of a unit: unknown, without a code and with another
 * code look the same.
 */
#ifndef BERTH_PROTOCOL_OWNERSHIP_OWNERSHIP_H
#define BERTH_PROTOCOL_OWNERSHIP_OWNERSHIP_H

#include "base/message.h"
#include "model/decision.h"
#include "protocol/brski/masa.h"
#include "protocol/brski/revocation.h"
#include "protocol/ownership/request.h"

#define BERTH_OWNERSHIP_ARENA_BYTES ((size_t)128 << 10) /* a request, a chain's names, the reply */

/* What the store knows. Code digests all zero where there is none: they are compared all the same. */
struct berth_ownership_facts {
	bool is_known; /* and not ambiguous */
	bool is_withdrawn;
	bool has_owner;
	bool owner_is_asker;
	bool has_code;
	struct berth_claim_digest code;
	bool code_is_used;
	bool code_was_used_by_asker;
	bool asker_let_go;    /* it was the last owner before what is now */
	bool asker_left_code; /* and the code is the one that it left then */
	bool owner_is_next;   /* transfer: whom it names owns it */
	int64_t unit_wait_s;  /* wrong codes for this serial number: none is judged for so long */
	int64_t source_wait_s;
};

enum berth_ownership_effect {
	BERTH_OWNERSHIP_NOTHING,     /* it is so already: a repeated request */
	BERTH_OWNERSHIP_COUNT_WRONG, /* a wrong code was told: refuse, and count it */
	BERTH_OWNERSHIP_SET,	     /* asker becomes owner, the code is used up */
	BERTH_OWNERSHIP_NEW_CODE,    /* nobody owns it; who let go leaves another code */
	BERTH_OWNERSHIP_END,	     /* nobody owns it, the chain of custody ends */
	BERTH_OWNERSHIP_REPLACE,     /* next becomes owner in its place */
};

struct berth_ownership_domain {
	uint8_t key_sha256[BERTH_SHA256_BYTES];
	uint8_t domain_id[32];
	size_t domain_id_length;
	const char *name;
};

struct berth_ownership {
	/* for the caller to read */
	struct berth_ownership_request request;
	struct berth_masa_unit_query unit_query; /* the unit, and the path of who asks */
	struct berth_ownership_domain asker;	 /* its domain: the last certificate of the path */
	struct berth_ownership_domain next;	 /* of a transfer */
	struct berth_revocation revocation;	 /* fetch, good_until */
	const char *registrar_name;		 /* of the TLS certificate; NULL: none was good */
	enum berth_ownership_effect effect;
	struct berth_decision decision;
	struct berth_why why;
	struct berth_http_response response; /* body lives as long as this */

	/* its own */
	enum berth_ownership_act act;
	struct berth_pki *pki;
	const struct berth_masa_policy *policy;
	size_t checked; /* of path, for revocation */
	struct berth_now now;
	struct berth_arena arena;
	struct berth_buf body;
	struct berth_cert_list chain; /* as sent */
	struct berth_cert_list path;
	struct berth_cert *owner_certificate;
};

void berth_ownership_start(struct berth_ownership *o, struct berth_pki *pki,
			   enum berth_ownership_act act, struct berth_now now);
void berth_ownership_end(struct berth_ownership *o);
#define BERTH_OWNERSHIP BERTH_CLEANUP(berth_ownership_end) struct berth_ownership

/* http and tls are read during the call only; policy outlives o. */
enum berth_err berth_ownership_input(struct berth_ownership *o,
				     const struct berth_masa_policy *policy,
				     const struct berth_http_request *http,
				     const struct berth_tls_facts *tls) BERTH_MUST;
enum berth_err berth_ownership_decide(struct berth_ownership *o,
				      const struct berth_ownership_facts *facts) BERTH_MUST;
/*
 * Last of all, so that nobody makes us ask a responder of his choice who could not do what he asks for. PENDING: not an
 * end.
 */
enum berth_err berth_ownership_check_revocation(struct berth_ownership *o) BERTH_MUST;
/* body: of a reply with status 200; empty: none came, and why says so. */
enum berth_err berth_ownership_answer_revocation(struct berth_ownership *o, struct berth_bytes body,
						 const struct berth_why *why) BERTH_MUST;
enum berth_err berth_ownership_end_well(struct berth_ownership *o,
					const struct berth_ownership_reply *reply) BERTH_MUST;
/* What the caller could not do: the refusal's status follows from its kind. */
enum berth_err berth_ownership_fail(struct berth_ownership *o,
				    const struct berth_why *why) BERTH_MUST;

#endif
