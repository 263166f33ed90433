/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/configuration.h"

#include "base/base64.h"
#include "pki/hkdf.h"

#define PASSWORD_BYTES 64

enum berth_err
berth_dpp_csr_password(struct berth_pki *pki, const struct berth_dpp_secrets *secrets,
		       char ret[BERTH_DPP_CSR_PASSWORD_CHARS + 1])
{
	BERTH_SECRET password = {0};
	BERTH_BUF text = {0};
	size_t hash = berth_ec_facts(secrets->curve)->hash_bytes;

	enum berth_err err =
		berth_hkdf_expand(pki, hash, &secrets->bk, BERTH_LIT("CSR challengePassword"),
				  PASSWORD_BYTES, &password);
	err = err ? err : berth_base64_encode(berth_bytes_of(password.p, password.n), 0, &text);
	if (err)
		return err;
	memcpy(ret, text.p, BERTH_DPP_CSR_PASSWORD_CHARS);
	ret[BERTH_DPP_CSR_PASSWORD_CHARS] = '\0';
	berth_wipe(text.p, text.n);
	return BERTH_OK;
}

enum berth_err
berth_dpp_new_key_tag(struct berth_pki *pki, const struct berth_dpp_secrets *secrets,
		      const struct berth_secret *scalar, const struct berth_ec_point *other,
		      struct berth_bytes e_nonce, const struct berth_ec_point *pc,
		      const struct berth_ec_point *pe, uint8_t ret[BERTH_EC_HASH_MAX])
{
	size_t hash = berth_ec_facts(secrets->curve)->hash_bytes;
	const struct berth_bytes parts[] = {e_nonce, berth_ec_x(pc), berth_ec_x(pe)};
	struct berth_ec_point s;
	BERTH_SECRET prk = {0};
	BERTH_SECRET key = {0};

	enum berth_err err = berth_ec_multiply(pki, scalar, other, &s, NULL);
	if (err)
		return err;
	struct berth_bytes x = berth_ec_x(&s);
	err = berth_hkdf_extract(pki, hash, berth_bytes_of(secrets->bk.p, secrets->bk.n), &x, 1,
				 &prk);
	err = err ? err
		  : berth_hkdf_expand(pki, hash, &prk, BERTH_LIT("New DPP Protocol Key"), hash,
				      &key);
	berth_wipe(&s, sizeof(s));
	return err ? err : berth_hmac(pki, hash, berth_bytes_of(key.p, key.n), parts, 3, ret);
}

enum berth_err
berth_dpp_build_result(struct berth_pki *pki, enum berth_dpp_frame_type type,
		       const struct berth_secret *ke, struct berth_bytes plain,
		       struct berth_buf *body, struct berth_why *why)
{
	uint8_t header[BERTH_DPP_HEADER_BYTES];
	BERTH_BUF attributes = {0};

	berth_dpp_frame_header(type, header);
	struct berth_dpp_associated associated =
		berth_dpp_associated_of(berth_bytes_of(header, sizeof(header)), BERTH_BYTES_NONE);
	enum berth_err err = berth_dpp_wrap(pki, ke, &associated, plain, &attributes, why);
	if (err)
		return err;
	const struct berth_dpp_frame frame = {
		.kind = BERTH_DPP_FRAME_ACTION,
		.type = (uint8_t)type,
		.attributes = berth_buf_view(&attributes),
	};
	err = berth_dpp_frame_build(&frame, body);
	if (err)
		return berth_fail(why, err, "dpp-result", "DPP 6.4.4", "No memory.");
	return BERTH_OK;
}

enum berth_err
berth_dpp_open_result(struct berth_pki *pki, const struct berth_dpp_frame *frame,
		      const struct berth_secret *ke, struct berth_buf *plain, struct berth_why *why)
{
	struct berth_dpp_associated associated = berth_dpp_associated_of(
		frame->header, berth_dpp_attributes_before_wrapped(frame->attributes));

	return berth_dpp_unwrap(pki, ke, &associated, frame->attributes, plain, why);
}
