/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/masa/masa_signing.h"

#include "codec/frame.h"

enum { JSON = 1, SIGNING_TIME = 2 };

static const struct berth_frame_field fields[] = {
	{.tag = JSON,
	 .type = BERTH_FRAME_TEXT,
	 .max = BERTH_VOUCHER_JSON_MAX_BYTES,
	 .name = "json"},
	{.tag = SIGNING_TIME, .type = BERTH_FRAME_I64, .name = "signing-time"},
};

static const struct berth_frame_shape shape = {
	.kind = BERTH_MASA_SIGN_VOUCHER,
	.name = "sign-voucher",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
};

enum berth_err
berth_sign_voucher_encode(const struct berth_sign_voucher *ask, struct berth_buf *payload)
{
	enum berth_err err = berth_frame_start(payload, BERTH_MASA_SIGN_VOUCHER, 0);

	err = err ? err : berth_frame_put_bytes(payload, JSON, ask->json);
	err = err ? err : berth_frame_put_i64(payload, SIGNING_TIME, ask->signing_time.s);
	return err ? err : berth_frame_finish(payload);
}

enum berth_err
berth_sign_voucher_decode(struct berth_bytes payload, struct berth_sign_voucher *ret,
			  struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err = berth_frame_parse(payload, &shape, 1, &frame, why);

	if (err)
		return err;
	ret->json = berth_frame_get(&frame, JSON);
	ret->signing_time.s = berth_frame_get_i64(&frame, SIGNING_TIME, 0);
	return BERTH_OK;
}
