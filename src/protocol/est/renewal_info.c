/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/renewal_info.h"

#include "base/base64.h"
#include "codec/json.h"
#include "protocol/est/client.h"

#define SECTION "draft-ietf-lamps-est-renewal-info"
#define ID_PART_MAX_BYTES 48 /* serial numbers have at most 20, key identifiers mostly 20 */

enum berth_err
berth_renewal_info_id(const struct berth_cert *cert, char id[BERTH_RENEWAL_INFO_ID_MAX],
		      struct berth_why *why)
{
	const struct berth_bytes key_id = berth_cert_aki_key_id(cert);
	const struct berth_bytes serial = berth_cert_serial(cert);
	BERTH_BUF text = {.limit = BERTH_RENEWAL_INFO_ID_MAX - 1};
	uint8_t content[ID_PART_MAX_BYTES + 1] = {0};
	id[0] = 0;
	if (key_id.n == 0) {
		return BERTH_OK;
	}
	if (key_id.n > ID_PART_MAX_BYTES || serial.n > ID_PART_MAX_BYTES || serial.n == 0) {
		return berth_fail(why, BERTH_E_LIMIT, "est-renewal-info-id", SECTION,
				  "the certificate's key identifier or serial number is too long");
	}
	const size_t pad = serial.p[0] >> 7; /* a DER INTEGER is positive by a leading zero */
	memcpy(content + pad, serial.p, serial.n);
	enum berth_err err = berth_base64url_encode(key_id, &text);
	err = err ? err : berth_buf_append_text(&text, ".");
	err = err ? err : berth_base64url_encode(berth_bytes_of(content, pad + serial.n), &text);
	if (err) {
		return berth_fail(why, err, "est-renewal-info-id", SECTION,
				  "the certificate's name does not fit its limit");
	}
	memcpy(id, text.p, text.n);
	id[text.n] = 0;
	return BERTH_OK;
}

static enum berth_err
set_time(json_t *object, const char *key, struct berth_wall time)
{
	char text[BERTH_TIME_TEXT_MAX];
	return berth_json_set_text(object, key, berth_text(berth_wall_format(time, text)));
}

enum berth_err
berth_renewal_info_build(const struct berth_renewal_info *info, struct berth_buf *json,
			 struct berth_why *why)
{
	BERTH_JSON json_t *root = json_object();
	BERTH_JSON json_t *window = json_object();
	enum berth_err err = set_time(window, "start", info->start);
	err = err ? err : set_time(window, "end", info->end);
	err = err ? err : berth_json_set(root, "suggestedWindow", json_incref(window));
	if (!err && info->explanation[0]) {
		err = berth_json_set_text(root, "explanation", berth_text(info->explanation));
	}
	if (!err && info->has_now) {
		err = set_time(root, "now", info->now);
	}
	err = err ? err : berth_json_encode(root, BERTH_JSON_AS_BUILT, json);
	return err ? berth_fail(why, err, "memory", NULL, "out of memory") : BERTH_OK;
}

static enum berth_err
get_time(const json_t *object, const char *key, enum berth_json_need need, struct berth_wall *ret,
	 bool *ret_has, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(object, key, need, &text, why);
	*ret_has = !err && text.p != NULL;
	return err || !text.p ? err : berth_wall_parse(text, ret, why);
}

static void
take_explanation(struct berth_bytes text, struct berth_renewal_info *info)
{
	const size_t n =
		text.n < BERTH_RENEWAL_EXPLANATION_MAX ? text.n : BERTH_RENEWAL_EXPLANATION_MAX;
	for (size_t i = 0; i < n; i++) {
		const uint8_t c = text.p[i];
		info->explanation[i] = (char)(c >= ' ' && c <= '~' ? c : '?');
	}
	info->explanation[n] = 0;
}

static enum berth_err
read_members(const json_t *root, struct berth_renewal_info *info, struct berth_why *why)
{
	json_t *window = NULL;
	struct berth_bytes explanation = BERTH_BYTES_NONE;
	bool is_there = false;
	enum berth_err err =
		berth_json_get_object(root, "suggestedWindow", BERTH_JSON_REQUIRED, &window, why);
	err = err ? err
		  : get_time(window, "start", BERTH_JSON_REQUIRED, &info->start, &is_there, why);
	err = err ? err : get_time(window, "end", BERTH_JSON_REQUIRED, &info->end, &is_there, why);
	err = err ? err
		  : get_time(root, "now", BERTH_JSON_OPTIONAL, &info->now, &info->has_now, why);
	err = err ? err
		  : berth_json_get_text(root, "explanation", BERTH_JSON_OPTIONAL, &explanation,
					why);
	if (err) {
		return err;
	}
	take_explanation(explanation, info);
	if (info->end.s < info->start.s) {
		return berth_fail(why, BERTH_E_MISMATCH, "est-renewal-info-window", SECTION,
				  "the suggested window ends before it begins");
	}
	return BERTH_OK;
}

enum berth_err
berth_renewal_info_parse(struct berth_bytes media_type, struct berth_bytes body,
			 struct berth_renewal_info *ret, struct berth_why *why)
{
	const struct berth_json_limits limits = {
		.max_bytes = BERTH_RENEWAL_INFO_MAX_BYTES, .max_depth = 4, .max_values = 64};
	BERTH_JSON json_t *root = NULL;
	if (!berth_est_media_is(media_type, BERTH_EST_MEDIA_RENEWAL_INFO)) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "est-renewal-info-media-type", SECTION,
				  "the renewal advice is not %s", BERTH_EST_MEDIA_RENEWAL_INFO);
	}
	enum berth_err err = berth_json_parse(body, &limits, &root, why);
	struct berth_renewal_info info = {0};
	err = err ? err : read_members(root, &info, why);
	if (err) {
		return err;
	}
	*ret = info;
	return BERTH_OK;
}
