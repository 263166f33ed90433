/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Up to three bytes to four characters. */
static void
encode_group(const uint8_t *in, size_t n, char out[4])
{
	uint32_t v = (uint32_t)in[0] << 16;

	v |= n > 1 ? (uint32_t)in[1] << 8 : 0;
	v |= n > 2 ? in[2] : 0;
	out[0] = alphabet[v >> 18];
	out[1] = alphabet[v >> 12 & 63];
	out[2] = '=';
	out[3] = '=';
	if (n > 1) {
		out[2] = alphabet[v >> 6 & 63];
	}
	if (n > 2) {
		out[3] = alphabet[v & 63];
	}
}

static enum berth_err
encode(struct berth_bytes in, size_t line_length, struct berth_buf *out)
{
	enum berth_err err = BERTH_OK;
	size_t column = 0;

	for (size_t i = 0; i < in.n; i += 3) {
		char group[4];

		encode_group(in.p + i, in.n - i > 3 ? 3 : in.n - i, group);
		for (size_t k = 0; k < sizeof(group) && !err; k++) {
			err = berth_buf_append_u8(out, (uint8_t)group[k]);
			column++;
			if (!err && column == line_length) {
				err = berth_buf_append_u8(out, '\n');
				column = 0;
			}
		}
		if (err) {
			return err;
		}
	}
	if (line_length > 0 && column > 0) {
		err = berth_buf_append_u8(out, '\n');
	}
	return err;
}

enum berth_err
berth_base64_encode(struct berth_bytes in, size_t line_length, struct berth_buf *out)
{
	size_t before = out->n;
	enum berth_err err = encode(in, line_length, out);

	if (err) {
		out->n = before;
	}
	return err;
}

/* 0..63, or -1. */
static int
character_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z') {
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z') {
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9') {
		return c - '0' + 52;
	}
	if (c == '+') {
		return 62;
	}
	return c == '/' ? 63 : -1;
}

static bool
is_white_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The group being read: up to four characters, of which the last ones may be padding. */
struct group {
	uint32_t bits;
	unsigned int count;   /* characters, padding included */
	unsigned int padding; /* '=' among them */
	bool is_last;	      /* a group with padding came: nothing may follow */
};

static enum berth_err
group_add(struct group *group, uint8_t c)
{
	int value = character_value(c);

	if (group->is_last) {
		return BERTH_E_SYNTAX;
	}
	if (c == '=') {
		group->padding++;
		value = 0;
		if (group->count < 2) {
			return BERTH_E_SYNTAX;
		}
	} else if (value < 0 || group->padding > 0) {
		return BERTH_E_SYNTAX;
	}
	group->bits = group->bits << 6 | (uint32_t)value;
	group->count++;
	return BERTH_OK;
}

static enum berth_err
group_finish(struct group *group, struct berth_buf *out)
{
	const uint8_t bytes[3] = {(uint8_t)(group->bits >> 16), (uint8_t)(group->bits >> 8),
				  (uint8_t)group->bits};
	size_t n = 3 - group->padding;

	/* RFC 4648 3.5: unused bits are zero, so that every byte string has one encoding */
	for (size_t i = n; i < sizeof(bytes); i++) {
		if (bytes[i] != 0) {
			return BERTH_E_SYNTAX;
		}
	}
	*group = (struct group){.is_last = group->padding > 0};
	return berth_buf_append(out, bytes, n);
}

static enum berth_err
decode(struct berth_bytes in, bool white_space, struct berth_buf *out, size_t *at)
{
	struct group group = {0};

	for (*at = 0; *at < in.n; (*at)++) {
		if (white_space && is_white_space(in.p[*at])) {
			continue;
		}
		enum berth_err err = group_add(&group, in.p[*at]);

		if (!err && group.count == 4) {
			err = group_finish(&group, out);
		}
		if (err) {
			return err;
		}
	}
	return group.count == 0 ? BERTH_OK : BERTH_E_SYNTAX;
}

enum berth_err
berth_base64_decode(struct berth_bytes in, bool white_space, struct berth_buf *out,
		    struct berth_why *why)
{
	size_t before = out->n;
	size_t at = 0;
	enum berth_err err = decode(in, white_space, out, &at);

	if (!err) {
		return BERTH_OK;
	}
	out->n = before;
	if (err == BERTH_E_SYNTAX) {
		return berth_fail_at(why, err, "base64-syntax", "RFC 4648 4", at,
				     "not base64 with padding: character %zu does not fit", at);
	}
	return berth_fail_at(why, err, "base64-size", NULL, at, "no room for the decoded bytes");
}
