/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the registrar's signer that has the Controller's keys: C-sign (Connectors, which it reads and writes again before
 * it signs), bootstrapping key (points multiplied for authentications) and ppKey (for who announces a reconfiguration).
 */
#ifndef BERTH_ROLE_REGISTRAR_SIGNER_DPP_H
#define BERTH_ROLE_REGISTRAR_SIGNER_DPP_H

#include "role/daemon/issuance.h"
#include "role/daemon/rate.h"
#include "role/registrar/settings.h"

struct berth_dpp_signer {
	struct berth_pki *pki;
	struct berth_issuance *issuance;
	struct berth_key *c_sign, *bootstrapping, *pp; /* all NULL: no DPP */
	struct berth_rate rate;
};

enum berth_err berth_dpp_signer_open(struct berth_pki *pki,
				     const struct berth_registrar_settings *settings,
				     struct berth_issuance *issuance, struct berth_dpp_signer *ret,
				     struct berth_why *why) BERTH_MUST;
void berth_dpp_signer_close(struct berth_dpp_signer *signer);
/* op: one of BERTH_REGISTRAR_DPP_... (signing.h). Nothing stands in object when it fails. */
enum berth_err berth_dpp_signer_sign(struct berth_dpp_signer *signer, uint16_t op,
				     struct berth_bytes payload, struct berth_now now,
				     struct berth_buf *object, struct berth_why *why) BERTH_MUST;

#endif
