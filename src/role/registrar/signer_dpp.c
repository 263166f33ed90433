/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/signer_dpp.h"

#include "base/cursor.h"
#include "base/hex.h"
#include "protocol/dpp/connector.h"
#include "role/registrar/signing.h"

enum berth_err
berth_dpp_signer_open(struct berth_pki *pki, const struct berth_registrar_settings *settings,
		      struct berth_issuance *issuance, struct berth_dpp_signer *ret,
		      struct berth_why *why)
{
	*ret = (struct berth_dpp_signer){.pki = pki, .issuance = issuance};
	if (settings->dpp_c_sign_key == NULL)
		return BERTH_OK;
	berth_rate_start(&ret->rate, settings->dpp_connectors_per_minute);
	enum berth_err err = berth_keystore_load(pki, settings->dpp_c_sign_key, &ret->c_sign, why);
	if (!err)
		err = berth_keystore_load(pki, settings->dpp_bootstrapping_key, &ret->bootstrapping,
					  why);
	if (!err)
		err = berth_keystore_load(pki, settings->dpp_pp_key, &ret->pp, why);
	return err;
}

void
berth_dpp_signer_close(struct berth_dpp_signer *signer)
{
	berth_key_free(signer->c_sign);
	berth_key_free(signer->bootstrapping);
	berth_key_free(signer->pp);
}

static enum berth_err
tell_keys(struct berth_dpp_signer *signer, struct berth_buf *object)
{
	enum berth_err err = berth_buf_append_vector16(object, berth_key_spki(signer->c_sign));

	err = err ? err : berth_buf_append_vector16(object, berth_key_spki(signer->bootstrapping));
	return err ? err : berth_buf_append_vector16(object, berth_key_spki(signer->pp));
}

/* Which netAccessKey was given what, so that what a restored store forgot can be found again. */
static enum berth_err
log_connector(struct berth_dpp_signer *signer, const struct berth_dpp_connector *read,
	      struct berth_now now, struct berth_bytes connector, struct berth_why *why)
{
	char key[2 * BERTH_EC_COORDINATE_MAX + 1];

	berth_hex_text(berth_ec_x(&read->key), key, sizeof(key));
	const struct berth_issuance_line line = {
		.what = "connector",
		.subject = berth_text(key),
		.object = connector,
		.details = "",
	};
	return berth_issuance_write(signer->issuance, signer->pki, now.wall, &line, why);
}

static enum berth_err
sign_connector(struct berth_dpp_signer *signer, struct berth_bytes payload, struct berth_now now,
	       struct berth_buf *object, struct berth_why *why)
{
	struct berth_dpp_connector read;
	enum berth_err err = berth_rate_take(&signer->rate, now.mono, "connectors-per-minute", why);

	err = err ? err
		  : berth_dpp_connector_sign(signer->pki, signer->c_sign, payload, object, &read,
					     why);
	return err ? err : log_connector(signer, &read, now, berth_buf_view(object), why);
}

static enum berth_err
multiply(struct berth_dpp_signer *signer, struct berth_key *key, struct berth_bytes payload,
	 struct berth_buf *object, struct berth_why *why)
{
	struct berth_ec_point public, point, product;
	enum berth_err err = berth_ec_of_key(signer->pki, key, &public, why);

	err = err ? err : berth_ec_point(signer->pki, public.curve, payload, &point, why);
	err = err ? err : berth_ec_multiply_key(signer->pki, key, &point, &product, why);
	return err ? err : berth_buf_append_bytes(object, berth_ec_xy(&product));
}

enum berth_err
berth_dpp_signer_sign(struct berth_dpp_signer *signer, uint16_t op, struct berth_bytes payload,
		      struct berth_now now, struct berth_buf *object, struct berth_why *why)
{
	enum berth_err err = BERTH_E_UNSUPPORTED;

	if (signer->c_sign == NULL)
		return berth_fail(why, err, "signer-dpp", NULL,
				  "the configuration has no [dpp] section");
	if (op == BERTH_REGISTRAR_DPP_KEYS)
		err = tell_keys(signer, object);
	else if (op == BERTH_REGISTRAR_DPP_CONNECTOR)
		err = sign_connector(signer, payload, now, object, why);
	else
		err = multiply(signer,
			       op == BERTH_REGISTRAR_DPP_PP ? signer->pp : signer->bootstrapping,
			       payload, object, why);
	if (err)
		berth_buf_clear(object);
	return err;
}
