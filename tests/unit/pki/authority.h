/* SPDX-License-Identifier: BSD-2-Clause */
/* A small PKI in a temporary folder, for the tests of pki: root, issuing CA, keys by name. */
#ifndef BERTH_TESTS_PKI_AUTHORITY_H
#define BERTH_TESTS_PKI_AUTHORITY_H

#include "pki/issue.h"
#include "pki/keystore/keystore.h"

#define NOW ((struct berth_wall){1790000000})

struct authority {
	struct berth_pki *pki;
	char folder[64];
	struct berth_key *root_key, *ca_key;
	struct berth_cert *root, *ca;
	unsigned next_key;
};

void authority_start(struct authority *authority);
void authority_end(struct authority *authority);
/* A new file key; "P-256" or "P-384". */
struct berth_key *authority_key(struct authority *authority, const char *kind);
/* Serial and dates around NOW; fill in the rest. */
struct berth_cert_template authority_template(struct authority *authority,
					      enum berth_cert_profile profile, const char *name,
					      const struct berth_key *key);
/* By the issuing CA. */
struct berth_cert *authority_issue(struct authority *authority,
				   const struct berth_cert_template *wanted);
struct berth_cert *authority_issue_by(struct authority *authority,
				      const struct berth_cert_template *wanted,
				      const struct berth_cert *issuer,
				      struct berth_key *issuer_key);
/* The same certificate, but a CA's: what our own issuing never makes, and a peer may send. */
struct berth_cert *authority_reissue_as_ca(struct authority *authority,
					   const struct berth_cert *cert,
					   struct berth_key *issuer_key);

#endif
