/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/bootstrapping.h"

#include "pki/hkdf.h"

static enum berth_err
fill_hashes(struct berth_pki *pki, struct berth_bytes spki, struct berth_dpp_bootstrapping *ret,
	    struct berth_why *why)
{
	const struct berth_bytes parts[] = {BERTH_LIT("chirp"), spki};
	uint8_t sum[BERTH_HASH_MAX];
	enum berth_err err = berth_sha256(pki, spki, ret->hash);

	err = err ? err : berth_hash(pki, sizeof(ret->chirp), parts, 2, sum);
	if (err)
		return berth_fail(why, err, "dpp-bootstrapping", NULL,
				  "The bootstrapping key cannot be hashed.");
	memcpy(ret->chirp, sum, sizeof(ret->chirp));
	return BERTH_OK;
}

enum berth_err
berth_dpp_bootstrapping_parse(struct berth_pki *pki, struct berth_bytes spki,
			      struct berth_dpp_bootstrapping *ret, struct berth_why *why)
{
	struct berth_dpp_bootstrapping key = {0};
	enum berth_err err = berth_ec_parse_spki(pki, spki, &key.point, why);

	err = err ? err : fill_hashes(pki, spki, &key, why);
	if (!err)
		*ret = key;
	return err;
}

enum berth_err
berth_dpp_bootstrapping_of(struct berth_pki *pki, const struct berth_ec_point *point,
			   struct berth_dpp_bootstrapping *ret, struct berth_why *why)
{
	struct berth_dpp_bootstrapping key = {.point = *point};
	BERTH_BUF spki = {0};
	enum berth_err err = berth_ec_build_spki(point, BERTH_EC_COMPRESSED, &spki);

	if (err)
		return berth_fail(why, err, "dpp-bootstrapping", NULL, "No memory.");
	err = fill_hashes(pki, berth_buf_view(&spki), &key, why);
	if (!err)
		*ret = key;
	return err;
}
