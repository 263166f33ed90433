/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/registrar/signing.h"

#include "codec/frame.h"
#include "model/device.h"
#include "protocol/est/basic.h"
#include "protocol/est/path.h"
#include "protocol/voucher/voucher.h"

enum { RVR_JSON = 1, RVR_CONTENT_TYPE };
enum {
	LDEVID_SERIAL = 1,
	LDEVID_SERIAL_NUMBER,
	LDEVID_REQUEST,
	LDEVID_LIFETIME,
	LDEVID_MANUFACTURER_KEY,
	LDEVID_RENEWED,
	LDEVID_PARTITION,
	LDEVID_USER,
	LDEVID_LABEL,
	LDEVID_GATEWAY,
	LDEVID_ISSUER,
	LDEVID_DPP
};

static const struct berth_frame_field rvr_fields[] = {
	{.tag = RVR_JSON,
	 .name = "json",
	 .type = BERTH_FRAME_BYTES,
	 .max = BERTH_VOUCHER_JSON_MAX_BYTES},
	{.tag = RVR_CONTENT_TYPE, .name = "content-type", .type = BERTH_FRAME_U32},
};
static const struct berth_frame_field ldevid_fields[] = {
	{.tag = LDEVID_SERIAL,
	 .name = "serial",
	 .type = BERTH_FRAME_BYTES,
	 .max = BERTH_CERT_SERIAL_BYTES},
	{.tag = LDEVID_SERIAL_NUMBER,
	 .name = "serial-number",
	 .type = BERTH_FRAME_TEXT,
	 .use = BERTH_FRAME_OPTIONAL,
	 .max = BERTH_DEVICE_SERIAL_MAX},
	{.tag = LDEVID_MANUFACTURER_KEY,
	 .name = "manufacturer-key",
	 .type = BERTH_FRAME_BYTES,
	 .use = BERTH_FRAME_OPTIONAL,
	 .max = BERTH_DEVICE_MANUFACTURER_MAX},
	{.tag = LDEVID_USER,
	 .name = "user",
	 .type = BERTH_FRAME_TEXT,
	 .use = BERTH_FRAME_OPTIONAL,
	 .max = BERTH_EST_USER_MAX},
	{.tag = LDEVID_LABEL,
	 .name = "label",
	 .type = BERTH_FRAME_TEXT,
	 .use = BERTH_FRAME_OPTIONAL,
	 .max = BERTH_EST_LABEL_MAX},
	{.tag = LDEVID_RENEWED,
	 .name = "renewed",
	 .type = BERTH_FRAME_BYTES,
	 .use = BERTH_FRAME_OPTIONAL,
	 .max = BERTH_CERT_MAX_BYTES},
	{.tag = LDEVID_REQUEST,
	 .name = "request",
	 .type = BERTH_FRAME_BYTES,
	 .max = BERTH_REQUEST_MAX_BYTES},
	{.tag = LDEVID_ISSUER,
	 .name = "issuer",
	 .type = BERTH_FRAME_BYTES,
	 .max = BERTH_SIGN_ISSUER_MAX},
	{.tag = LDEVID_LIFETIME, .name = "lifetime", .type = BERTH_FRAME_I64},
	{.tag = LDEVID_PARTITION, .name = "partition", .type = BERTH_FRAME_I64},
	{.tag = LDEVID_GATEWAY,
	 .name = "gateway",
	 .type = BERTH_FRAME_U32,
	 .use = BERTH_FRAME_OPTIONAL},
	{.tag = LDEVID_DPP, .name = "dpp", .type = BERTH_FRAME_U32, .use = BERTH_FRAME_OPTIONAL},
};
static const struct berth_frame_shape shapes[] = {
	{.kind = BERTH_REGISTRAR_SIGN_RVR,
	 .name = "sign-rvr",
	 .fields = rvr_fields,
	 .field_count = 2},
	{.kind = BERTH_REGISTRAR_ISSUE_LDEVID,
	 .name = "issue-ldevid",
	 .fields = ldevid_fields,
	 .field_count = sizeof(ldevid_fields) / sizeof(ldevid_fields[0])},
};

enum berth_err
berth_sign_rvr_encode(const struct berth_sign_rvr *ask, struct berth_buf *payload)
{
	enum berth_err err = berth_frame_start(payload, BERTH_REGISTRAR_SIGN_RVR, 0);
	err = err ? err : berth_frame_put_bytes(payload, RVR_JSON, ask->json);
	err = err ? err
		  : berth_frame_put_u32(payload, RVR_CONTENT_TYPE, (uint32_t)ask->content_type);
	return err ? err : berth_frame_finish(payload);
}

enum berth_err
berth_sign_rvr_decode(struct berth_bytes payload, struct berth_sign_rvr *ret, struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err = berth_frame_parse(payload, &shapes[0], 1, &frame, why);
	if (err)
		return err;
	uint32_t content_type = berth_frame_get_u32(&frame, RVR_CONTENT_TYPE, 0);
	if (content_type != BERTH_CMS_DATA && content_type != BERTH_CMS_ANIMA_VOUCHER)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "signer-content-type", NULL,
				  "the signer knows no content type %u", (unsigned)content_type);
	*ret = (struct berth_sign_rvr){
		.json = berth_frame_get(&frame, RVR_JSON),
		.content_type = (enum berth_cms_content)content_type,
	};
	return BERTH_OK;
}

static enum berth_err
put_some(struct berth_buf *payload, uint16_t tag, struct berth_bytes b)
{
	return b.n == 0 ? BERTH_OK : berth_frame_put_bytes(payload, tag, b);
}

enum berth_err
berth_issue_ldevid_encode(const struct berth_issue_ldevid *ask, struct berth_buf *payload)
{
	enum berth_err err = berth_frame_start(payload, BERTH_REGISTRAR_ISSUE_LDEVID, 0);
	err = err ? err
		  : berth_frame_put_bytes(payload, LDEVID_SERIAL,
					  berth_bytes_of(ask->serial, sizeof(ask->serial)));
	err = err ? err : put_some(payload, LDEVID_SERIAL_NUMBER, ask->serial_number);
	err = err ? err : put_some(payload, LDEVID_MANUFACTURER_KEY, ask->manufacturer_key);
	err = err ? err : put_some(payload, LDEVID_RENEWED, ask->renewed);
	err = err ? err : put_some(payload, LDEVID_USER, ask->user);
	err = err ? err : put_some(payload, LDEVID_LABEL, ask->label);
	err = err ? err : berth_frame_put_bytes(payload, LDEVID_REQUEST, ask->request);
	err = err ? err : berth_frame_put_bytes(payload, LDEVID_ISSUER, ask->issuer);
	err = err ? err : berth_frame_put_i64(payload, LDEVID_LIFETIME, ask->lifetime_s);
	err = err ? err : berth_frame_put_i64(payload, LDEVID_PARTITION, ask->partition);
	if (!err && ask->is_gateway)
		err = berth_frame_put_u32(payload, LDEVID_GATEWAY, 1);
	if (!err && ask->is_dpp)
		err = berth_frame_put_u32(payload, LDEVID_DPP, 1);
	return err ? err : berth_frame_finish(payload);
}

enum berth_err
berth_issue_ldevid_decode(struct berth_bytes payload, struct berth_issue_ldevid *ret,
			  struct berth_why *why)
{
	struct berth_frame frame;
	enum berth_err err = berth_frame_parse(payload, &shapes[1], 1, &frame, why);
	if (err)
		return err;
	struct berth_bytes serial = berth_frame_get(&frame, LDEVID_SERIAL);
	if (serial.n != BERTH_CERT_SERIAL_BYTES)
		return berth_fail(why, BERTH_E_SYNTAX, "signer-serial", "RFC 5280 4.1.2.2",
				  "a certificate's serial number has %d bytes here",
				  BERTH_CERT_SERIAL_BYTES);
	struct berth_issue_ldevid ask = {
		.serial_number = berth_frame_get(&frame, LDEVID_SERIAL_NUMBER),
		.manufacturer_key = berth_frame_get(&frame, LDEVID_MANUFACTURER_KEY),
		.renewed = berth_frame_get(&frame, LDEVID_RENEWED),
		.user = berth_frame_get(&frame, LDEVID_USER),
		.label = berth_frame_get(&frame, LDEVID_LABEL),
		.issuer = berth_frame_get(&frame, LDEVID_ISSUER),
		.request = berth_frame_get(&frame, LDEVID_REQUEST),
		.lifetime_s = berth_frame_get_i64(&frame, LDEVID_LIFETIME, 0),
		.partition = berth_frame_get_i64(&frame, LDEVID_PARTITION, 0),
		.is_gateway = berth_frame_get_u32(&frame, LDEVID_GATEWAY, 0) != 0,
		.is_dpp = berth_frame_get_u32(&frame, LDEVID_DPP, 0) != 0,
	};
	memcpy(ask.serial, serial.p, sizeof(ask.serial));
	*ret = ask;
	return BERTH_OK;
}
