/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hex.h"

#include <assert.h>

static const char digits[] = "0123456789abcdef";

enum berth_err
berth_hex_encode(struct berth_bytes in, struct berth_buf *out)
{
	size_t before = out->n;

	for (size_t i = 0; i < in.n; i++) {
		const char pair[2] = {digits[in.p[i] >> 4], digits[in.p[i] & 15]};
		enum berth_err err = berth_buf_append(out, pair, sizeof(pair));

		if (err) {
			out->n = before;
			return err;
		}
	}
	return BERTH_OK;
}

const char *
berth_hex_text(struct berth_bytes in, char *text, size_t cap)
{
	assert(cap > 0 && in.n <= (cap - 1) / 2);
	for (size_t i = 0; i < in.n; i++) {
		text[2 * i] = digits[in.p[i] >> 4];
		text[2 * i + 1] = digits[in.p[i] & 15];
	}
	text[2 * in.n] = '\0';
	return text;
}

/* 0..15, or -1. */
static int
digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return -1;
}

enum berth_err
berth_hex_decode(struct berth_bytes in, struct berth_buf *out, struct berth_why *why)
{
	size_t before = out->n;

	if (in.n % 2 != 0) {
		return berth_fail_at(why, BERTH_E_SYNTAX, "hex-odd-length", NULL, in.n,
				     "hexadecimal text has an odd number of digits");
	}
	for (size_t i = 0; i < in.n; i += 2) {
		int high = digit_value(in.p[i]);
		int low = digit_value(in.p[i + 1]);

		if (high < 0 || low < 0) {
			out->n = before;
			return berth_fail_at(
				why, BERTH_E_SYNTAX, "hex-digit", NULL, high < 0 ? i : i + 1,
				"character %zu is no hexadecimal digit", high < 0 ? i : i + 1);
		}
		enum berth_err err = berth_buf_append_u8(out, (uint8_t)(high << 4 | low));

		if (err) {
			out->n = before;
			return berth_fail(why, err, "hex-size", NULL,
					  "no room for the decoded bytes");
		}
	}
	return BERTH_OK;
}
