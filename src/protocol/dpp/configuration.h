/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What both sides of DPP Configuration (DPP 6.4) derive beyond ke.
 */
#ifndef BERTH_PROTOCOL_DPP_CONFIGURATION_H
#define BERTH_PROTOCOL_DPP_CONFIGURATION_H

#include "protocol/dpp/authentication.h"
#include "protocol/dpp/wrap.h"

#define BERTH_DPP_CSR_PASSWORD_CHARS 88 /* base64 of 64 octets */
#define BERTH_DPP_COMEBACK_UNIT_US 1024

/* The challengePassword of the certification request (DPP 6.4.5): both sides know it, nobody else does. */
enum berth_err berth_dpp_csr_password(struct berth_pki *pki,
				      const struct berth_dpp_secrets *secrets,
				      char ret[BERTH_DPP_CSR_PASSWORD_CHARS + 1]) BERTH_MUST;
/*
 * Auth-I of a new protocol key on another curve (DPP 6.4.6): own scalar and the other's point give the secret. e_nonce: of the
 * request that shows it. hash_bytes of secrets->curve are written.
 */
enum berth_err berth_dpp_new_key_tag(struct berth_pki *pki, const struct berth_dpp_secrets *secrets,
				     const struct berth_secret *scalar,
				     const struct berth_ec_point *other, struct berth_bytes e_nonce,
				     const struct berth_ec_point *pc,
				     const struct berth_ec_point *pe,
				     uint8_t ret[BERTH_EC_HASH_MAX]) BERTH_MUST;
/* A whole action frame with nothing in the clear: results (AD: header and an empty entry). */
enum berth_err berth_dpp_build_result(struct berth_pki *pki, enum berth_dpp_frame_type type,
				      const struct berth_secret *ke, struct berth_bytes plain,
				      struct berth_buf *body, struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_open_result(struct berth_pki *pki, const struct berth_dpp_frame *frame,
				     const struct berth_secret *ke, struct berth_buf *plain,
				     struct berth_why *why) BERTH_MUST;

#endif
