/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Certificate revocation lists (RFC 5280 5): made, read, checked. A list is of one issuer, signed by that issuer's own
 * key; it is whole, or it is for the certificates that name one distribution point (a partition). Delta lists, indirect
 * lists and lists for some reasons only are refused: what such a list leaves out would read as "good".
 *
 *	issuer:		berth_crl_issue(pki, &fields, ca, ca_key, &der, &why)
 *	relying party:	berth_crl_parse(pki, der, &crl, &why)
 *			berth_crl_verify(pki, crl, ca, now, &why)	this issuer, signature, time
 *			berth_crl_check(crl, cert, &why)		DENIED: revoked
 */
#ifndef BERTH_PKI_CRL_H
#define BERTH_PKI_CRL_H

#include "pki/certificate.h"

#define BERTH_CRL_MAX_BYTES ((size_t)1 << 20) /* twenty thousand entries; ours are far smaller */
#define BERTH_CRL_ENTRIES_MAX 4096	      /* of a list we make */

struct berth_crl_entry {
	struct berth_bytes serial; /* magnitude, big endian */
	struct berth_wall revoked_at;
	unsigned reason; /* RFC 5280 5.3.1; 0: none is said */
};

struct berth_crl_fields {
	uint64_t number; /* cRLNumber; 0 is not one of ours */
	struct berth_wall this_update;
	struct berth_wall next_update;
	const struct berth_crl_entry *entries;
	size_t entry_count;
	/* URI of the distribution point whose certificates alone it covers; empty: all of the issuer. */
	struct berth_bytes distribution_point;
};

/* Signs with issuer_key, which is issuer's. Releases DER after it was read again and compared. */
enum berth_err berth_crl_issue(struct berth_pki *pki, const struct berth_crl_fields *fields,
			       const struct berth_cert *issuer, struct berth_key *issuer_key,
			       struct berth_buf *der, struct berth_why *why) BERTH_MUST;

struct berth_crl;
/* DER, the whole input. */
enum berth_err berth_crl_parse(struct berth_pki *pki, struct berth_bytes der,
			       struct berth_crl **ret, struct berth_why *why) BERTH_MUST;
void berth_crl_free(struct berth_crl *crl);
void berth_crl_freep(struct berth_crl **crl);
#define BERTH_CRL BERTH_CLEANUP(berth_crl_freep) struct berth_crl

uint64_t berth_crl_number(const struct berth_crl *crl); /* 0: none, or more than 64 bits */
struct berth_wall berth_crl_this_update(const struct berth_crl *crl);
struct berth_wall berth_crl_next_update(const struct berth_crl *crl);
size_t berth_crl_entry_count(const struct berth_crl *crl);
/* Empty: the list is whole. Borrows. */
struct berth_bytes berth_crl_distribution_point(const struct berth_crl *crl);
struct berth_bytes berth_crl_aki_key_id(const struct berth_crl *crl);

/* Of this issuer, by its key, and at lies between thisUpdate and nextUpdate. UNTRUSTED, SIGNATURE, EXPIRED. */
enum berth_err berth_crl_verify(struct berth_pki *pki, const struct berth_crl *crl,
				const struct berth_cert *issuer, struct berth_wall at,
				struct berth_why *why) BERTH_MUST;
/* On a verified list: OK when cert is not on it; DENIED, revoked; MISMATCH, the list is not about this certificate. */
enum berth_err berth_crl_check(const struct berth_crl *crl, const struct berth_cert *cert,
			       struct berth_why *why) BERTH_MUST;

#endif
