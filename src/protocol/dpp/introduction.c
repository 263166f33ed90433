/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/introduction.h"

#include "pki/hkdf.h"

#define SECTION "DPP 6.6"

static enum berth_err
judge(struct berth_pki *pki, const struct berth_ec_point *c_sign,
      const struct berth_dpp_connector *own, struct berth_bytes other, uint8_t frame_version,
      struct berth_wall now, struct berth_dpp_connector *ret, enum berth_dpp_status *status,
      struct berth_why *why)
{
	*status = BERTH_DPP_INVALID_CONNECTOR;
	enum berth_err err = berth_dpp_connector_open(pki, other, c_sign, ret, why);
	err = err ? err : berth_dpp_connector_check_time(ret, now, why);
	if (err)
		return err;
	*status = BERTH_DPP_NO_MATCH;
	if (!berth_dpp_connector_matches(own, ret))
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-no-match", SECTION,
				  "The two devices are in no group together.");
	if (ret->key.curve != own->key.curve)
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-group", SECTION,
				  "The other's netAccessKey is on another curve than ours.");
	if (ret->version >= 2 && frame_version != ret->version)
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-version-changed", SECTION,
				  "The other says another version than its Connector does: "
				  "somebody changed it on the way.");
	*status = BERTH_DPP_OK;
	return BERTH_OK;
}

/* The first octets of SHA-256 over both x, the smaller before the larger. */
static enum berth_err
identify(struct berth_pki *pki, const struct berth_ec_point *a, const struct berth_ec_point *b,
	 uint8_t pmkid[BERTH_DPP_PMKID_BYTES])
{
	struct berth_bytes parts[2] = {berth_ec_x(a), berth_ec_x(b)};
	uint8_t sum[BERTH_HASH_MAX];

	if (memcmp(parts[0].p, parts[1].p, parts[0].n) > 0) {
		struct berth_bytes first = parts[1];
		parts[1] = parts[0];
		parts[0] = first;
	}
	enum berth_err err = berth_hash(pki, 32, parts, 2, sum);
	if (!err)
		memcpy(pmkid, sum, BERTH_DPP_PMKID_BYTES);
	return err;
}

enum berth_err
berth_dpp_introduce(struct berth_pki *pki, const struct berth_ec_point *c_sign,
		    const struct berth_dpp_connector *own, const struct berth_secret *scalar,
		    struct berth_bytes other, uint8_t frame_version, struct berth_wall now,
		    struct berth_dpp_introduced *ret, enum berth_dpp_status *status,
		    struct berth_why *why)
{
	struct berth_dpp_connector peer = {0};
	struct berth_dpp_introduced introduced = {0};
	enum berth_dpp_status judged = BERTH_DPP_OK;
	struct berth_ec_point n;

	enum berth_err err =
		judge(pki, c_sign, own, other, frame_version, now, &peer, &judged, why);
	if (status != NULL)
		*status = judged;
	err = err ? err : berth_ec_multiply(pki, scalar, &peer.key, &n, why);
	if (err)
		return err;
	err = berth_hkdf(pki, berth_ec_facts(n.curve)->hash_bytes, berth_ec_x(&n),
			 BERTH_LIT("DPP PMK"), &introduced.pmk);
	err = err ? err : identify(pki, &own->key, &peer.key, introduced.pmkid);
	berth_wipe(&n, sizeof(n));
	if (err) {
		berth_secret_free(&introduced.pmk);
		return berth_fail(why, err, "dpp-introduction", SECTION, "No memory.");
	}
	introduced.end = own->expiry.s < peer.expiry.s ? own->expiry : peer.expiry;
	*ret = introduced;
	return BERTH_OK;
}
