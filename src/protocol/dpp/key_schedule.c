/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/key_schedule.h"

#include "pki/hkdf.h"

static enum berth_err
from_x(struct berth_pki *pki, const struct berth_ec_point *point, struct berth_bytes info,
       struct berth_secret *ret)
{
	return berth_hkdf(pki, berth_ec_facts(point->curve)->hash_bytes, berth_ec_x(point), info,
			  ret);
}

enum berth_err
berth_dpp_k1(struct berth_pki *pki, const struct berth_ec_point *m, struct berth_secret *ret)
{
	return from_x(pki, m, BERTH_LIT("first intermediate key"), ret);
}

enum berth_err
berth_dpp_k2(struct berth_pki *pki, const struct berth_ec_point *n, struct berth_secret *ret)
{
	return from_x(pki, n, BERTH_LIT("second intermediate key"), ret);
}

enum berth_err
berth_dpp_bk(struct berth_pki *pki, const struct berth_dpp_exchange *exchange,
	     const struct berth_ec_point *m, const struct berth_ec_point *n,
	     const struct berth_ec_point *l, struct berth_secret *ret)
{
	size_t nonce = berth_dpp_nonce_bytes(m->curve);
	uint8_t salt[2 * BERTH_DPP_NONCE_MAX];
	struct berth_bytes parts[3] = {berth_ec_x(m), berth_ec_x(n), BERTH_BYTES_NONE};

	memcpy(salt, exchange->i_nonce, nonce);
	memcpy(salt + nonce, exchange->r_nonce, nonce);
	if (l != NULL)
		parts[2] = berth_ec_x(l);
	return berth_hkdf_extract(pki, berth_ec_facts(m->curve)->hash_bytes,
				  berth_bytes_of(salt, 2 * nonce), parts, l == NULL ? 2 : 3, ret);
}

enum berth_err
berth_dpp_ke(struct berth_pki *pki, enum berth_ec_curve curve, const struct berth_secret *bk,
	     struct berth_secret *ret)
{
	size_t n = berth_ec_facts(curve)->hash_bytes;

	return berth_hkdf_expand(pki, n, bk, BERTH_LIT("DPP Key"), n, ret);
}

/* Both tags are of the same things in another order, with a last octet that tells them apart. */
#define TAG_PARTS 7

enum berth_err
berth_dpp_r_auth(struct berth_pki *pki, const struct berth_dpp_exchange *exchange,
		 uint8_t ret[BERTH_EC_HASH_MAX])
{
	const struct berth_dpp_exchange *e = exchange;
	size_t nonce = berth_dpp_nonce_bytes(e->br.curve);
	static const uint8_t last = 0;
	const struct berth_bytes parts[TAG_PARTS] = {
		berth_bytes_of(e->i_nonce, nonce),
		berth_bytes_of(e->r_nonce, nonce),
		berth_ec_x(&e->pi),
		berth_ec_x(&e->pr),
		e->is_mutual ? berth_ec_x(&e->bi) : BERTH_BYTES_NONE,
		berth_ec_x(&e->br),
		berth_bytes_of(&last, 1),
	};

	return berth_hash(pki, berth_ec_facts(e->br.curve)->hash_bytes, parts, TAG_PARTS, ret);
}

enum berth_err
berth_dpp_i_auth(struct berth_pki *pki, const struct berth_dpp_exchange *exchange,
		 uint8_t ret[BERTH_EC_HASH_MAX])
{
	const struct berth_dpp_exchange *e = exchange;
	size_t nonce = berth_dpp_nonce_bytes(e->br.curve);
	static const uint8_t last = 1;
	const struct berth_bytes parts[TAG_PARTS] = {
		berth_bytes_of(e->r_nonce, nonce),
		berth_bytes_of(e->i_nonce, nonce),
		berth_ec_x(&e->pr),
		berth_ec_x(&e->pi),
		berth_ec_x(&e->br),
		e->is_mutual ? berth_ec_x(&e->bi) : BERTH_BYTES_NONE,
		berth_bytes_of(&last, 1),
	};

	return berth_hash(pki, berth_ec_facts(e->br.curve)->hash_bytes, parts, TAG_PARTS, ret);
}
