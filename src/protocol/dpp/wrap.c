/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/wrap.h"

#include "pki/siv.h"

enum berth_err
berth_dpp_wrap(struct berth_pki *pki, const struct berth_secret *key,
	       const struct berth_dpp_associated *associated, struct berth_bytes plain,
	       struct berth_buf *out, struct berth_why *why)
{
	BERTH_BUF sealed = {0};
	enum berth_err err =
		berth_siv_seal(pki, key, associated->data, associated->n, plain, &sealed);

	err = err ? err : berth_dpp_put(out, BERTH_DPP_WRAPPED_DATA, berth_buf_view(&sealed));
	if (err)
		return berth_fail(why, err, "dpp-wrap", "DPP 6.1.4",
				  "The frame's protected part cannot be sealed.");
	return BERTH_OK;
}

enum berth_err
berth_dpp_unwrap(struct berth_pki *pki, const struct berth_secret *key,
		 const struct berth_dpp_associated *associated, struct berth_bytes attributes,
		 struct berth_buf *plain, struct berth_why *why)
{
	struct berth_bytes sealed = BERTH_BYTES_NONE;
	struct berth_why inner = {0};

	berth_buf_clear(plain);
	enum berth_err err = berth_dpp_attribute_get_up_to(attributes, BERTH_DPP_WRAPPED_DATA,
							   BERTH_DPP_BODY_MAX_BYTES, &sealed, why);
	if (err)
		return err;
	err = berth_siv_open(pki, key, associated->data, associated->n, sealed, plain, &inner);
	if (err)
		return berth_fail(why, err, "dpp-unwrap", "DPP 6.1.4", "%s", inner.sentence);
	return berth_dpp_attributes_check(berth_buf_view(plain), why);
}
