/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the registrar's signer that signs revocation lists and OCSP responses. Of a list the judge says only who is
 * on it: its number, times and address are made here, and a number never goes back, also not over a restart. OCSP
 * responses are signed by a delegate: a key that this process makes for itself and that ends with it, and a certificate
 * of seven days from the issuing CA, so that a token is not asked for each response.
 */
#ifndef BERTH_ROLE_REGISTRAR_SIGNER_REVOCATION_H
#define BERTH_ROLE_REGISTRAR_SIGNER_REVOCATION_H

#include "pki/certificate.h"
#include "role/daemon/issuance.h"
#include "role/daemon/rate.h"
#include "role/registrar/settings.h"

/* The issuing CA or a former one; each answers for its own certificates alone. */
struct berth_revocation_issuer {
	struct berth_cert *cert; /* borrowed, as its key */
	struct berth_key *key;
	struct berth_key *responder_key; /* NULL until the first response */
	struct berth_cert *responder;
};

struct berth_revocation_signer {
	struct berth_pki *pki;
	const struct berth_registrar_settings *settings;
	struct berth_revocation_issuer issuers[1 + BERTH_FORMER_ISSUERS_MAX];
	size_t issuer_count;
	struct berth_issuance *issuance;
	uint64_t number; /* of the list signed last, by any issuer */
	struct berth_rate ocsp_rate;
};

/* The borrowed members are set; reads the last number. */
enum berth_err berth_revocation_signer_open(struct berth_revocation_signer *signer,
					    struct berth_why *why) BERTH_MUST;
void berth_revocation_signer_close(struct berth_revocation_signer *signer);
enum berth_err berth_revocation_sign_crl(struct berth_revocation_signer *signer,
					 struct berth_bytes payload, struct berth_now now,
					 struct berth_buf *object,
					 struct berth_why *why) BERTH_MUST;
enum berth_err berth_revocation_sign_ocsp(struct berth_revocation_signer *signer,
					  struct berth_bytes payload, struct berth_now now,
					  struct berth_buf *object,
					  struct berth_why *why) BERTH_MUST;

#define BERTH_CRL_NUMBER_FILE "crl.number" /* in the state directory */

#endif
