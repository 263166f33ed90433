/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the DPP Authentication protocol derives (DPP 6.2): from M, N and, when both sides know the other's bootstrapping
 * key, L. Names are the specification's: b bootstrapping, p protocol key; I initiator, R responder.
 */
#ifndef BERTH_PROTOCOL_DPP_KEY_SCHEDULE_H
#define BERTH_PROTOCOL_DPP_KEY_SCHEDULE_H

#include "pki/ec.h"

#define BERTH_DPP_NONCE_MAX 32

/* Nonces are half as long as the curve's hash. */
static inline size_t
berth_dpp_nonce_bytes(enum berth_ec_curve curve)
{
	return berth_ec_facts(curve)->hash_bytes / 2U;
}

/* All that goes into the tags and into bk. is_mutual: bi is known to both. */
struct berth_dpp_exchange {
	struct berth_ec_point bi, br, pi, pr;
	uint8_t i_nonce[BERTH_DPP_NONCE_MAX], r_nonce[BERTH_DPP_NONCE_MAX];
	bool is_mutual;
};

/* CRYPTO alone, from here on. M.x, N.x, L.x are those points' first halves. */
enum berth_err berth_dpp_k1(struct berth_pki *pki, const struct berth_ec_point *m,
			    struct berth_secret *ret) BERTH_MUST;
enum berth_err berth_dpp_k2(struct berth_pki *pki, const struct berth_ec_point *n,
			    struct berth_secret *ret) BERTH_MUST;
/* l: NULL when not mutual. bk outlives ke: CSR, envelope and new protocol key are made from it. */
enum berth_err berth_dpp_bk(struct berth_pki *pki, const struct berth_dpp_exchange *exchange,
			    const struct berth_ec_point *m, const struct berth_ec_point *n,
			    const struct berth_ec_point *l, struct berth_secret *ret) BERTH_MUST;
enum berth_err berth_dpp_ke(struct berth_pki *pki, enum berth_ec_curve curve,
			    const struct berth_secret *bk, struct berth_secret *ret) BERTH_MUST;
/* hash_bytes of the curve are written. */
enum berth_err berth_dpp_r_auth(struct berth_pki *pki, const struct berth_dpp_exchange *exchange,
				uint8_t ret[BERTH_EC_HASH_MAX]) BERTH_MUST;
enum berth_err berth_dpp_i_auth(struct berth_pki *pki, const struct berth_dpp_exchange *exchange,
				uint8_t ret[BERTH_EC_HASH_MAX]) BERTH_MUST;

#endif
