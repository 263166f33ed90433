/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The voucher (RFC 8366) and the two voucher-requests (RFC 8995 section 3): the pledge's (PVR) and the
 * registrar's (RVR). One record for all three, since they share one YANG grouping; what each must and must not hold is
 * judged by berth_voucher_check_kind. JSON inside CMS; the JSON alone here, CMS in voucher_cms.h.
 *
 * Strict: duplicate keys, trailing bytes, wrong types, bad dates and bad base64 are refused, unknown members are
 * ignored (RFC 8995 5.6). Tolerant exactly where real peers differ: eContentType (id-data or .40), idevid-issuer in
 * three forms (checklist 25), a voucher-request under the voucher's top-level key only where asked for.
 */
#ifndef BERTH_PROTOCOL_VOUCHER_H
#define BERTH_PROTOCOL_VOUCHER_H

#include "base/arena.h"
#include "base/time.h"

enum berth_voucher_kind {
	BERTH_VOUCHER,		      /* "ietf-voucher:voucher" */
	BERTH_VOUCHER_REQUEST_PLEDGE, /* "ietf-voucher-request:voucher" */
	BERTH_VOUCHER_REQUEST_REGISTRAR,
};

enum berth_assertion {
	BERTH_ASSERTION_NONE,
	BERTH_ASSERTION_VERIFIED,
	BERTH_ASSERTION_LOGGED,
	BERTH_ASSERTION_PROXIMITY,
	BERTH_ASSERTION_AGENT_PROXIMITY,
};
const char *berth_assertion_name(enum berth_assertion assertion); /* "" for NONE */

#define BERTH_VOUCHER_JSON_MAX_BYTES 49152 /* an RVR wraps a whole PVR in base64 */
#define BERTH_VOUCHER_SERIAL_MAX 128
#define BERTH_VOUCHER_NONCE_MIN 8 /* RFC 8366 5.3: 8..32 bytes */
#define BERTH_VOUCHER_NONCE_MAX 32
#define BERTH_VOUCHER_ISSUER_MAX 1024 /* an AKI with issuer name and serial number */
#define BERTH_VOUCHER_CERT_MAX                                                                     \
	16384 /* as BERTH_CERT_MAX_BYTES of pki, which this header does not need */
#define BERTH_VOUCHER_CLOCK_SKEW_S 300 /* clocks that are set at all differ by less */

struct berth_voucher {
	enum berth_voucher_kind kind;
	bool has_created_on;
	struct berth_wall created_on;
	bool has_expires_on;
	struct berth_wall expires_on;
	enum berth_assertion assertion;
	struct berth_bytes serial_number; /* text */
	struct berth_bytes idevid_issuer; /* binary as found, any of the three forms */
	struct berth_bytes nonce;	  /* binary; empty: nonceless */
	/*
	 * RFC 8995's own examples write the nonce in the URL-safe alphabet without padding. Both are read; who
	 * copies a nonce copies this too, since peers compare the text.
	 */
	bool nonce_is_url_safe;
	struct berth_bytes pinned_domain_cert; /* DER */
	bool has_revocation_checks;
	bool domain_cert_revocation_checks;
	bool has_last_renewal_date;
	struct berth_wall last_renewal_date;
	struct berth_bytes prior_signed_voucher_request; /* CMS DER */
	struct berth_bytes proximity_registrar_cert;	 /* DER */
};

/* json: all of the bytes. Views in *ret live in arena. Does not judge which members a kind may hold. */
enum berth_err berth_voucher_parse(struct berth_bytes json, enum berth_voucher_kind kind,
				   struct berth_arena *arena, struct berth_voucher *ret,
				   struct berth_why *why) BERTH_MUST;
/*
 * For people's tools: which kind the JSON is, by its top-level key; a request with prior-signed-voucher-request, or
 * without proximity-registrar-cert, is a registrar's.
 */
enum berth_err berth_voucher_kind_of(struct berth_bytes json, enum berth_voucher_kind *ret,
				     struct berth_why *why) BERTH_MUST;
/* Compact JSON in a fixed order of members. */
enum berth_err berth_voucher_encode(const struct berth_voucher *voucher, struct berth_buf *json,
				    struct berth_why *why) BERTH_MUST;
/*
 * The members that a kind must and must not have (RFC 8366 5.3, RFC 8995 3.3, 5.2, 5.5): e.g. a voucher has a pinned-domain-cert and not both
 * nonce and expires-on missing; an RVR has created-on, serial-number, and no proximity-registrar-cert.
 */
enum berth_err berth_voucher_check_kind(const struct berth_voucher *voucher,
					struct berth_why *why) BERTH_MUST;
/* Any of the three forms of idevid-issuer names this AKI (whole extnValue content: DER SEQUENCE). */
bool berth_voucher_issuer_matches(struct berth_bytes idevid_issuer, struct berth_bytes aki_value);
/* The key identifier inside any of the three forms; a view into it. Empty: an AKI without one. */
struct berth_bytes berth_voucher_issuer_key_id(struct berth_bytes idevid_issuer);
/* The nonce as the JSON writes it; for the audit log. */
enum berth_err berth_voucher_nonce_text(struct berth_bytes nonce, bool is_url_safe,
					struct berth_buf *out) BERTH_MUST;
/* "verified" ...; false when it names no assertion. */
bool berth_assertion_parse(struct berth_bytes name, enum berth_assertion *ret);

#endif
