/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MASA's answer to one request (RFC 8995 5.5, 5.6, 5.8), as a pure machine: every check of a registrar's
 * voucher-request, the decision with its trace, and the artefacts. It touches neither store nor network nor key:
 * what it needs it asks for as an event, and the caller answers.
 *
 *	requestvoucher:   input -> UNIT -> INTENT -> SIGNATURE -> RECORD -> END (200)
 *	  again, same RVR: input -> UNIT -> INTENT -> END (200, the voucher of the first time)
 *	requestauditlog:  input -> UNIT -> AUDIT_LOG -> END (200)
 *	refused:          ... -> END (403, 404, 406, 415 ... with a sentence)
 *
 *	BERTH_MASA masa = {0};
 *	berth_masa_start(&masa, pki, &policy, BERTH_MASA_REQUEST_VOUCHER, now);
 *	event = berth_masa_input(&masa, &http, &tls);
 *	while (event != BERTH_MASA_END) { ... answer what it asks for ...; event = berth_masa_answer_unit(...); }
 *	send masa.response
 *
 * Where the registrar's certificates name OCSP responders or revocation lists, NEED_REVOCATION comes after UNIT, once
 * for each question; nobody but a known unit's own signed request makes us ask.
 *
 * What it does not do: it does not judge whether the TLS peer's proof of possession held (TLS did).
 */
#ifndef BERTH_PROTOCOL_MASA_H
#define BERTH_PROTOCOL_MASA_H

#include "base/message.h"
#include "model/decision.h"
#include "protocol/brski/audit_log.h"
#include "protocol/brski/revocation.h"
#include "protocol/brski/manufacturer.h"
#include "protocol/voucher/voucher_cms.h"

#define BERTH_MASA_ARENA_BYTES ((size_t)512 << 10) /* an RVR, its PVR, the voucher, and slack */

struct berth_masa_memory; /* masa_memory.h */

enum berth_masa_operation { BERTH_MASA_REQUEST_VOUCHER, BERTH_MASA_REQUEST_AUDIT_LOG };

enum berth_masa_ownership {
	BERTH_MASA_OWNERSHIP_RECORDED, /* only the owner of record gets vouchers */
	BERTH_MASA_OWNERSHIP_FIRST,    /* a unit that nobody owns becomes the first asker's */
};

enum berth_masa_pinning {
	BERTH_MASA_PIN_REGISTRAR, /* the registrar's own certificate */
	BERTH_MASA_PIN_FARTHEST,  /* the last certificate of the registrar's chain */
	BERTH_MASA_PIN_CA, /* cBRSKI: nonced the lowest CA, nonceless the highest that may be pinned */
};

enum berth_masa_revocation {
	BERTH_MASA_REVOCATION_FETCH, /* what a certificate names is asked; without an answer it is refused */
	BERTH_MASA_REVOCATION_IGNORED, /* the trace says that it was not asked */
};

/* Of the manufacturer; outlives every machine. Zeroed, it refuses as much as it can. */
struct berth_masa_policy {
	const struct berth_cert_list *manufacturer_anchors; /* IDevIDs chain to one of these */
	const struct berth_cert_list *
		client_anchors; /* registrars' TLS certificates; NULL: none is authenticated by TLS */
	const struct berth_cert_list *never_pin; /* CAs that serve many owners; NULL: none */
	enum berth_masa_ownership ownership;
	enum berth_masa_pinning pinning;
	enum berth_masa_revocation revocation;
	enum berth_identity_rule
		identity; /* where IDevIDs of this manufacturer say their serial number */
	bool require_client_certificate; /* for every request, not only nonceless ones */
	bool require_idevid_issuer;	 /* RFC 8995's own example has none */
	bool allow_without_proximity; /* a nonced request whose proximity does not show still gets a "logged" voucher */
	bool allow_nonceless;
	bool ignore_idevid_time;   /* IDevIDs issued with an expiry, on devices that outlived it */
	bool content_type_is_data; /* eContentType id-data for pledges that know no other */
	int64_t created_on_age_s;  /* an RVR may be this old; 0: BERTH_MASA_CREATED_ON_AGE_S */
	int64_t audit_log_age_s; /* and this old when the log is asked for; 0: BERTH_MASA_AUDIT_AGE_S */
	int64_t nonceless_lifetime_s; /* 0: BERTH_MASA_NONCELESS_LIFETIME_S */
	int64_t nonceless_age_s; /* an RVR without a nonce may be this old; 0: as created_on_age_s */
	/* last-renewal-date of a nonceless voucher is this far off (RFC 8366 5.3, 6.1); 0: left out. */
	int64_t renewable_for_s;
};

#define BERTH_MASA_CREATED_ON_AGE_S ((int64_t)20 * 60)
#define BERTH_MASA_AUDIT_AGE_S ((int64_t)24 * 3600)
#define BERTH_MASA_NONCELESS_LIFETIME_S ((int64_t)14 * 86400)
#define BERTH_MASA_CLOCK_SKEW_S 300

/* What the caller must do next. */
enum berth_masa_event {
	BERTH_MASA_NEED_REQUEST,    /* berth_masa_input */
	BERTH_MASA_NEED_UNIT,	    /* look up masa->unit_query */
	BERTH_MASA_NEED_REVOCATION, /* fetch masa->revocation.fetch */
	BERTH_MASA_NEED_INTENT,	    /* write that a voucher is about to be signed: masa->issue */
	BERTH_MASA_NEED_SIGNATURE,  /* have masa->issue.voucher_json signed */
	BERTH_MASA_NEED_RECORD, /* audit entry, voucher and ownership in one transaction: masa->issue */
	BERTH_MASA_NEED_AUDIT_LOG, /* the events of masa->unit_query, oldest first */
	BERTH_MASA_END, /* send masa->response; masa->why says why, when it is a refusal */
};

#define BERTH_MASA_ISSUER_KEY_ID_MAX                                                               \
	64 /* key identifiers are 20 octets, some CAs use SHA-256 or more */

/* Which unit, and who asks. Views live as long as the machine. */
struct berth_masa_unit_query {
	struct berth_bytes serial_number;
	struct berth_bytes
		issuer_key_id; /* of the IDevID's issuer; empty when the request does not tell */
	struct berth_bytes request; /* the RVR as received; its SHA-256 is the idempotency key */
	uint8_t request_digest[BERTH_SHA256_BYTES];
	/* SHA-256 of the SPKI of each certificate on the registrar's verified path, registrar first. */
	uint8_t path_digest[BERTH_CERT_LIST_MAX][BERTH_SHA256_BYTES];
	/* Their domainIDs (RFC 8995 5.8.2). */
	uint8_t path_domain_id[BERTH_CERT_LIST_MAX][32];
	size_t path_domain_id_length[BERTH_CERT_LIST_MAX];
	size_t path_count;
};

/* The answer: what the store knows. */
struct berth_masa_unit_facts {
	bool is_known;
	bool is_ambiguous; /* several units have this serial number and the query named no issuer */
	bool has_serial_twins; /* another manufacturer key has the same serial: the voucher must name the issuer */
	bool is_withdrawn; /* stolen, scrapped: no voucher for anybody */
	const char *withdrawn_reason;
	struct berth_bytes
		idevid_spki_digest; /* SHA-256 of the IDevID's SPKI, where the factory told it */
	bool has_owner;
	bool owner_is_asker;	/* the owner of record has one of path_digest */
	bool asker_was_owner;	/* or had (requestauditlog) */
	const char *owner_name; /* for the log; NULL: none */
	/* A voucher for another domain that has not expired (nonceless ones live long). */
	bool has_other_outstanding;
	struct berth_wall other_outstanding_until;
};

/* What writing the intent found: nothing (all empty), or that the very same request was there before. */
struct berth_masa_intent_facts {
	struct berth_bytes
		issued_voucher; /* and was answered: the same again, no second entry in the log */
	struct berth_bytes
		pending_json; /* and was not answered: this JSON is what the log will tell */
};

/* pinned, domain_id, owner_digest and registrar_name: from NEED_UNIT on; the rest from NEED_INTENT on. */
struct berth_masa_issue {
	struct berth_voucher voucher;
	struct berth_bytes voucher_json;
	struct berth_wall signing_time;
	const struct berth_cert *pinned;
	uint8_t domain_id[32]; /* of the pinned certificate */
	size_t domain_id_length;
	uint8_t owner_digest
		[BERTH_SHA256_BYTES]; /* SPKI of the last certificate of the path: the domain */
	bool becomes_owner; /* ownership "first": record owner_digest as the unit's owner */
	const char *registrar_name;
	struct berth_bytes signed_voucher; /* from NEED_RECORD on */
};

struct berth_masa {
	/* for the caller to read */
	struct berth_masa_unit_query unit_query;
	struct berth_masa_issue issue;
	struct berth_revocation revocation;
	struct berth_wall good_until;	     /* of the answer to NEED_REVOCATION just given */
	struct berth_http_response response; /* body lives as long as the machine */
	struct berth_why why;		     /* of the refusal; err OK when the reply is 200 */
	struct berth_decision decision;	     /* every check, in order; outcome allow with a 200 */
	bool is_repeated; /* the reply is the voucher of an earlier, identical request */

	/* the machine's own */
	enum berth_masa_event state;
	enum berth_masa_operation operation;
	struct berth_pki *pki;
	const struct berth_masa_policy *policy;
	struct berth_masa_memory *memory; /* set after the start; NULL: nothing is remembered */
	struct berth_now now;
	struct berth_arena arena;
	struct berth_signed_voucher rvr;
	struct berth_signed_voucher pvr;
	struct berth_cert_list path; /* the registrar's, registrar first */
	struct berth_cert
		*proximity_cert; /* the certificate of the RVR that the pledge saw in TLS; owned */
	size_t checked;		 /* certificates of path whose revocation is settled */
	bool names_source;
	bool has_prior;
	bool proximity_holds;
	bool registrar_is_authenticated; /* by TLS client certificate */
	struct berth_buf voucher_json;
	struct berth_buf body;
};
void berth_masa_end(struct berth_masa *masa);
#define BERTH_MASA BERTH_CLEANUP(berth_masa_end) struct berth_masa

/* pki and policy must outlive the machine. */
void berth_masa_start(struct berth_masa *masa, struct berth_pki *pki,
		      const struct berth_masa_policy *policy, enum berth_masa_operation operation,
		      struct berth_now now);
/* http and tls are read during the call only. */
enum berth_masa_event berth_masa_input(struct berth_masa *masa,
				       const struct berth_http_request *http,
				       const struct berth_tls_facts *tls) BERTH_MUST;
/* Each answers the event of its name; out of turn it ends the machine with 500. facts: read during the call only. */
enum berth_masa_event berth_masa_answer_unit(struct berth_masa *masa,
					     const struct berth_masa_unit_facts *facts) BERTH_MUST;
/* As berth_revocation_answer; masa->good_until then says how long it may be kept (0: not at all). */
enum berth_masa_event berth_masa_answer_revocation(struct berth_masa *masa, struct berth_bytes body,
						   const struct berth_why *why) BERTH_MUST;
enum berth_masa_event berth_masa_answer_intent(
	struct berth_masa *masa, const struct berth_masa_intent_facts *facts) BERTH_MUST;
enum berth_masa_event berth_masa_answer_signature(struct berth_masa *masa,
						  struct berth_bytes signed_voucher) BERTH_MUST;
/*
 * For NEED_RECORD: facts looked up once more. Signing takes a while; a unit that was blocked, released or sold meanwhile
 * gives no voucher. BERTH_OK, or the machine has ended with the refusal.
 */
enum berth_err berth_masa_still_holds(struct berth_masa *masa,
				      const struct berth_masa_unit_facts *facts) BERTH_MUST;
enum berth_masa_event berth_masa_answer_record(struct berth_masa *masa) BERTH_MUST;
enum berth_masa_event berth_masa_answer_audit_log(struct berth_masa *masa,
						  const struct berth_audit_log *log) BERTH_MUST;
/* The caller could not do what was asked (store down, signer refuses): ends with 503, or 403 for DENIED. */
enum berth_masa_event berth_masa_fail(struct berth_masa *masa,
				      const struct berth_why *why) BERTH_MUST;

#endif
