/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/dpp_attribute.h"

#define HEADER_BYTES 4

static uint16_t
u16_le(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

const char *
berth_dpp_status_name(unsigned status)
{
	static const char *const names[] = {
		[BERTH_DPP_OK] = "ok",
		[BERTH_DPP_NOT_COMPATIBLE] = "not-compatible",
		[BERTH_DPP_AUTH_FAILURE] = "auth-failure",
		[BERTH_DPP_UNWRAP_FAILURE] = "unwrap-failure",
		[BERTH_DPP_BAD_GROUP] = "bad-group",
		[BERTH_DPP_CONFIGURE_FAILURE] = "configure-failure",
		[BERTH_DPP_RESPONSE_PENDING] = "response-pending",
		[BERTH_DPP_INVALID_CONNECTOR] = "invalid-connector",
		[BERTH_DPP_NO_MATCH] = "no-match",
		[BERTH_DPP_CONFIG_REJECTED] = "config-rejected",
		[BERTH_DPP_NO_AP] = "no-ap",
		[BERTH_DPP_CONFIGURE_PENDING] = "configure-pending",
		[BERTH_DPP_CSR_NEEDED] = "csr-needed",
		[BERTH_DPP_CSR_BAD] = "csr-bad",
		[BERTH_DPP_NEW_KEY_NEEDED] = "new-key-needed",
	};

	return status < sizeof(names) / sizeof(names[0]) ? names[status] : "unknown";
}

enum berth_err
berth_dpp_attributes_check(struct berth_bytes attributes, struct berth_why *why)
{
	size_t at = 0;

	while (at < attributes.n) {
		size_t left = attributes.n - at;
		if (left < HEADER_BYTES || u16_le(attributes.p + at + 2) > left - HEADER_BYTES)
			return berth_fail_at(why, BERTH_E_SYNTAX, "dpp-attributes", "DPP 8.1", at,
					     "A DPP attribute is longer than what is left of the "
					     "frame.");
		unsigned id = u16_le(attributes.p + at);
		at += HEADER_BYTES + u16_le(attributes.p + at + 2);
		if (id == BERTH_DPP_WRAPPED_DATA && at != attributes.n)
			return berth_fail_at(
				why, BERTH_E_SYNTAX, "dpp-after-wrapped-data", "DPP 8.1", at,
				"Something follows the DPP Wrapped Data, where nothing "
				"protects it.");
	}
	return BERTH_OK;
}

bool
berth_dpp_attribute_next(struct berth_bytes attributes, enum berth_dpp_attribute id, size_t *at,
			 struct berth_bytes *ret)
{
	while (attributes.n - *at >= HEADER_BYTES) {
		const uint8_t *p = attributes.p + *at;
		size_t n = u16_le(p + 2);

		if (n > attributes.n - *at - HEADER_BYTES)
			return false;
		*at += HEADER_BYTES + n;
		if (u16_le(p) == id) {
			*ret = berth_bytes_of(p + HEADER_BYTES, n);
			return true;
		}
	}
	return false;
}

bool
berth_dpp_attribute_find(struct berth_bytes attributes, enum berth_dpp_attribute id,
			 struct berth_bytes *ret)
{
	size_t at = 0;

	return berth_dpp_attribute_next(attributes, id, &at, ret);
}

static enum berth_err
get_between(struct berth_bytes attributes, enum berth_dpp_attribute id, size_t min, size_t max,
	    struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_bytes value = BERTH_BYTES_NONE;

	if (!berth_dpp_attribute_find(attributes, id, &value))
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-attribute-missing", "DPP 8.1",
				  "The DPP attribute 0x%04x is missing.", (unsigned)id);
	if (value.n < min || value.n > max)
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-attribute-length", "DPP 8.1",
				  "The DPP attribute 0x%04x has %zu octets, not %zu to %zu.",
				  (unsigned)id, value.n, min, max);
	*ret = value;
	return BERTH_OK;
}

enum berth_err
berth_dpp_attribute_get(struct berth_bytes attributes, enum berth_dpp_attribute id, size_t n,
			struct berth_bytes *ret, struct berth_why *why)
{
	return get_between(attributes, id, n, n, ret, why);
}

enum berth_err
berth_dpp_attribute_get_u8(struct berth_bytes attributes, enum berth_dpp_attribute id, uint8_t *ret,
			   struct berth_why *why)
{
	struct berth_bytes value = BERTH_BYTES_NONE;
	enum berth_err err = get_between(attributes, id, 1, 1, &value, why);

	if (!err)
		*ret = value.p[0];
	return err;
}

enum berth_err
berth_dpp_attribute_get_up_to(struct berth_bytes attributes, enum berth_dpp_attribute id,
			      size_t max, struct berth_bytes *ret, struct berth_why *why)
{
	return get_between(attributes, id, 1, max, ret, why);
}

struct berth_bytes
berth_dpp_attributes_before_wrapped(struct berth_bytes attributes)
{
	struct berth_bytes wrapped = BERTH_BYTES_NONE;

	if (!berth_dpp_attribute_find(attributes, BERTH_DPP_WRAPPED_DATA, &wrapped))
		return attributes;
	return berth_bytes_of(attributes.p, (size_t)(wrapped.p - attributes.p) - HEADER_BYTES);
}

enum berth_err
berth_dpp_put(struct berth_buf *buf, enum berth_dpp_attribute id, struct berth_bytes value)
{
	const uint8_t header[HEADER_BYTES] = {
		(uint8_t)id,
		(uint8_t)(id >> 8),
		(uint8_t)value.n,
		(uint8_t)(value.n >> 8),
	};

	if (value.n > UINT16_MAX)
		return BERTH_E_LIMIT;
	enum berth_err err = berth_buf_append(buf, header, sizeof(header));
	return err ? err : berth_buf_append_bytes(buf, value);
}

enum berth_err
berth_dpp_put_u8(struct berth_buf *buf, enum berth_dpp_attribute id, uint8_t value)
{
	return berth_dpp_put(buf, id, berth_bytes_of(&value, 1));
}

enum berth_err
berth_dpp_put_u16(struct berth_buf *buf, enum berth_dpp_attribute id, uint16_t value)
{
	const uint8_t octets[2] = {(uint8_t)value, (uint8_t)(value >> 8)};

	return berth_dpp_put(buf, id, berth_bytes_of(octets, sizeof(octets)));
}
