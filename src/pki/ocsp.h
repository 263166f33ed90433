/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * OCSP (RFC 6960): requests and responses, both sides.
 *
 *	responder:	berth_ocsp_request_parse -> what is asked (berth_ocsp_id_matches: is it of our issuer)
 *			berth_ocsp_respond: a signed response, read again before it is released
 *			berth_ocsp_refuse: one of the unsigned error answers
 *	relying party:	berth_ocsp_ask -> a request for one certificate
 *			berth_ocsp_response_parse, berth_ocsp_check: GOOD or why not
 *
 * A response is trusted when it is signed by the issuer of the certificate itself, or by one to whom that issuer gave a
 * certificate with id-kp-OCSPSigning, and by nobody else.
 */
#ifndef BERTH_PKI_OCSP_H
#define BERTH_PKI_OCSP_H

#include "pki/certificate.h"

#define BERTH_OCSP_REQUEST_MAX_BYTES 4096
#define BERTH_OCSP_RESPONSE_MAX_BYTES 65536
#define BERTH_OCSP_IDS_MAX 8	 /* certificates in one request; clients ask for one */
#define BERTH_OCSP_NONCE_MAX 128 /* RFC 9654 2.1 */
#define BERTH_OCSP_SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */

enum berth_ocsp_hash { BERTH_OCSP_SHA1, BERTH_OCSP_SHA256, BERTH_OCSP_HASH_OTHER };

struct berth_ocsp_id {
	enum berth_ocsp_hash hash;
	uint8_t name_hash[BERTH_SHA256_BYTES], key_hash[BERTH_SHA256_BYTES];
	size_t hash_n;
	uint8_t serial[BERTH_OCSP_SERIAL_MAX]; /* magnitude */
	size_t serial_n;
};

struct berth_ocsp_request {
	struct berth_ocsp_id ids[BERTH_OCSP_IDS_MAX];
	size_t id_count;
	uint8_t nonce[BERTH_OCSP_NONCE_MAX];
	size_t nonce_n; /* 0: none */
};
/* DER, the whole input. A signature on it is passed over: anybody may ask. */
enum berth_err berth_ocsp_request_parse(struct berth_pki *pki, struct berth_bytes der,
					struct berth_ocsp_request *ret,
					struct berth_why *why) BERTH_MUST;
/* It names this issuer, by name and key. */
bool berth_ocsp_id_matches(struct berth_pki *pki, const struct berth_ocsp_id *id,
			   const struct berth_cert *issuer);

enum berth_ocsp_status { BERTH_OCSP_GOOD, BERTH_OCSP_REVOKED, BERTH_OCSP_UNKNOWN };

struct berth_ocsp_single {
	enum berth_ocsp_hash hash; /* as asked: SHA-1 or SHA-256 */
	struct berth_bytes serial; /* magnitude */
	enum berth_ocsp_status status;
	struct berth_wall revoked_at; /* REVOKED only */
	unsigned reason;	      /* RFC 5280 5.3.1; 0: none is said */
};

struct berth_ocsp_fields {
	const struct berth_ocsp_single *singles;
	size_t single_count;
	struct berth_wall this_update, next_update;
	struct berth_wall produced_at;
	struct berth_bytes nonce; /* empty: none */
};
/* responder: issuer itself, or a certificate that it issued for OCSP signing; its key signs. */
enum berth_err berth_ocsp_respond(struct berth_pki *pki, const struct berth_ocsp_fields *fields,
				  const struct berth_cert *issuer,
				  const struct berth_cert *responder, struct berth_key *key,
				  struct berth_buf *der, struct berth_why *why) BERTH_MUST;

/* RFC 6960 4.2.1; the numbers are those of the wire. */
enum berth_ocsp_error {
	BERTH_OCSP_MALFORMED_REQUEST = 1,
	BERTH_OCSP_INTERNAL_ERROR = 2,
	BERTH_OCSP_TRY_LATER = 3,
	BERTH_OCSP_UNAUTHORIZED = 6,
};
/* An unsigned answer of five bytes; static storage. */
struct berth_bytes berth_ocsp_refuse(enum berth_ocsp_error error);

/* nonce may be empty. */
enum berth_err berth_ocsp_ask(struct berth_pki *pki, const struct berth_cert *cert,
			      const struct berth_cert *issuer, struct berth_bytes nonce,
			      struct berth_buf *der, struct berth_why *why) BERTH_MUST;

struct berth_ocsp_response;
/* DER, the whole input. UNREACHABLE: it is one of the error answers. */
enum berth_err berth_ocsp_response_parse(struct berth_pki *pki, struct berth_bytes der,
					 struct berth_ocsp_response **ret,
					 struct berth_why *why) BERTH_MUST;
void berth_ocsp_response_free(struct berth_ocsp_response *response);
void berth_ocsp_response_freep(struct berth_ocsp_response **response);
#define BERTH_OCSP_RESPONSE BERTH_CLEANUP(berth_ocsp_response_freep) struct berth_ocsp_response

/* By issuer or its delegate, and the signature holds. It says nothing yet of any certificate. UNTRUSTED, SIGNATURE. */
enum berth_err berth_ocsp_verify(struct berth_pki *pki, const struct berth_ocsp_response *response,
				 const struct berth_cert *issuer, struct berth_wall at,
				 struct berth_why *why) BERTH_MUST;

struct berth_ocsp_answer {
	enum berth_ocsp_status status;
	struct berth_wall this_update,
		next_update; /* next_update 0: newer information is always there */
};
/*
 * OK: it says good of cert, by issuer or its delegate, at this time. DENIED: revoked. UNTRUSTED, SIGNATURE: not by whom
 * it must be. EXPIRED: stale. MISMATCH: about another certificate, or another nonce than this one (empty: none was
 * sent). NOT_FOUND: unknown to the responder. *ret (may be NULL) is written with OK alone.
 */
enum berth_err berth_ocsp_check(struct berth_pki *pki, const struct berth_ocsp_response *response,
				const struct berth_cert *cert, const struct berth_cert *issuer,
				struct berth_bytes nonce, struct berth_wall at,
				struct berth_ocsp_answer *ret, struct berth_why *why) BERTH_MUST;

#endif
