/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What PKEX derives (DPP 5.6). Names are the specification's: A and B are the bootstrapping keys that are exchanged, X and Y keys
 * of this run alone, M and N these two masked with what comes of the code.
 */
#ifndef BERTH_PROTOCOL_DPP_PKEX_SCHEDULE_H
#define BERTH_PROTOCOL_DPP_PKEX_SCHEDULE_H

#include "pki/ec.h"

#define BERTH_DPP_ADDRESS_BYTES 6 /* of a radio */
#define BERTH_DPP_PKEX_CODE_MAX 128
#define BERTH_DPP_PKEX_IDENTIFIER_MAX 80

/* i: the initiator's, r: the responder's. */
struct berth_dpp_pkex_run {
	enum berth_ec_curve curve;
	bool is_version_1;
	uint8_t i_address[BERTH_DPP_ADDRESS_BYTES],
		r_address[BERTH_DPP_ADDRESS_BYTES]; /* version 1 */
	uint8_t i_version, r_version; /* version 2 and later: what each says of itself */
	struct berth_ec_point m, n, x, y, a, b;
};

enum berth_dpp_pkex_side { BERTH_DPP_PKEX_INITIATOR, BERTH_DPP_PKEX_RESPONDER };

/* Pi or Pr: a point whose logarithm nobody knows. */
enum berth_err berth_dpp_pkex_element(struct berth_pki *pki, enum berth_ec_curve curve,
				      enum berth_dpp_pkex_side side, struct berth_ec_point *ret,
				      struct berth_why *why) BERTH_MUST;
/* Qi or Qr. identifier: empty if there is none. */
enum berth_err berth_dpp_pkex_mask(struct berth_pki *pki, const struct berth_dpp_pkex_run *run,
				   enum berth_dpp_pkex_side side, struct berth_bytes identifier,
				   struct berth_bytes code, struct berth_ec_point *ret,
				   struct berth_why *why) BERTH_MUST;
/* z, of the point K that only they have in common who used the same code. LIMIT: a longer code; CRYPTO. */
enum berth_err berth_dpp_pkex_z(struct berth_pki *pki, const struct berth_dpp_pkex_run *run,
				const struct berth_ec_point *k, struct berth_bytes code,
				struct berth_secret *ret) BERTH_MUST;
/* hash_bytes of the curve are written. u: the initiator has A's private part; v: the responder B's. CRYPTO. */
enum berth_err berth_dpp_pkex_u(struct berth_pki *pki, const struct berth_dpp_pkex_run *run,
				const struct berth_ec_point *j,
				uint8_t ret[BERTH_EC_HASH_MAX]) BERTH_MUST;
enum berth_err berth_dpp_pkex_v(struct berth_pki *pki, const struct berth_dpp_pkex_run *run,
				const struct berth_ec_point *l,
				uint8_t ret[BERTH_EC_HASH_MAX]) BERTH_MUST;

#endif
