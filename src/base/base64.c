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

/* A buffer on the stack, so that the output grows by more than a character at a time. */
#define CHUNK_GROUPS 64

/* All on one line. */
static enum berth_err
encode_plain(struct berth_bytes in, struct berth_buf *out)
{
	char text[4 * CHUNK_GROUPS];
	size_t n = 0;
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; i < in.n && !err; i += 3) {
		encode_group(in.p + i, in.n - i > 3 ? 3 : in.n - i, text + n);
		n += 4;
		if (n == sizeof(text)) {
			err = berth_buf_append(out, text, n);
			n = 0;
		}
	}
	return err ? err : berth_buf_append(out, text, n);
}

static enum berth_err
encode_lines(struct berth_bytes in, size_t line_length, struct berth_buf *out)
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
	return column > 0 ? berth_buf_append_u8(out, '\n') : BERTH_OK;
}

enum berth_err
berth_base64_encode(struct berth_bytes in, size_t line_length, struct berth_buf *out)
{
	size_t before = out->n;
	enum berth_err err =
		line_length > 0 ? encode_lines(in, line_length, out) : encode_plain(in, out);

	if (err) {
		out->n = before;
	}
	return err;
}

#define V(c, v) [c] = (v) + 1
#define V4(c, v) V(c, v), V((c) + 1, (v) + 1), V((c) + 2, (v) + 2), V((c) + 3, (v) + 3)
#define V12(c, v) V4(c, v), V4((c) + 4, (v) + 4), V4((c) + 8, (v) + 8)
#define V26(c, v) V12(c, v), V12((c) + 12, (v) + 12), V((c) + 24, (v) + 24), V((c) + 25, (v) + 25)

/* 0..63, or -1. */
static int
character_value(uint8_t c)
{
	static const uint8_t values[256] = {
		V26('A', 0), V26('a', 26), V4('0', 52), V4('4', 56),
		V('8', 60),  V('9', 61),   V('+', 62),	V('/', 63),
	};

	return values[c] - 1;
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

/*
 * Whole groups of the alphabet alone, as many as stand at the front, but never the last one of the input, which may
 * be padded. What it does not take, and what does not fit into out, is left to the careful way.
 */
static size_t
decode_run(struct berth_bytes in, struct berth_buf *out)
{
	uint8_t bytes[3 * CHUNK_GROUPS];
	size_t at = 0;
	size_t n = 0;

	while (n < sizeof(bytes) && in.n - at > 4) {
		int a = character_value(in.p[at]);
		int b = character_value(in.p[at + 1]);
		int c = character_value(in.p[at + 2]);
		int d = character_value(in.p[at + 3]);

		if ((a | b | c | d) < 0) {
			break;
		}
		bytes[n++] = (uint8_t)(a << 2 | b >> 4);
		bytes[n++] = (uint8_t)(b << 4 | c >> 2);
		bytes[n++] = (uint8_t)(c << 6 | d);
		at += 4;
	}
	return berth_buf_append(out, bytes, n) ? 0 : at;
}

static enum berth_err
decode(struct berth_bytes in, bool white_space, struct berth_buf *out, size_t *at)
{
	struct group group = {0};

	for (*at = 0; *at < in.n; (*at)++) {
		while (group.count == 0 && !group.is_last) {
			size_t taken = decode_run(berth_bytes_of(in.p + *at, in.n - *at), out);

			*at += taken;
			if (taken == 0) {
				break;
			}
		}
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

enum berth_err
berth_base64url_encode(struct berth_bytes in, struct berth_buf *out)
{
	size_t before = out->n;
	enum berth_err err = berth_base64_encode(in, 0, out);

	if (err)
		return err;
	while (out->n > before && out->p[out->n - 1] == '=')
		out->n--;
	for (size_t i = before; i < out->n; i++) {
		if (out->p[i] == '+')
			out->p[i] = '-';
		else if (out->p[i] == '/')
			out->p[i] = '_';
	}
	return BERTH_OK;
}

enum berth_err
berth_base64url_decode(struct berth_bytes in, struct berth_buf *out, struct berth_why *why)
{
	BERTH_BUF plain = {0};
	enum berth_err err = berth_buf_append_bytes(&plain, in);

	for (size_t i = 0; !err && i < plain.n; i++) {
		uint8_t c = plain.p[i];
		if (c == '+' || c == '/' || c == '=')
			return berth_fail_at(
				why, BERTH_E_SYNTAX, "base64-syntax", "RFC 4648 5", i,
				"not base64url without padding: character %zu does not "
				"fit",
				i);
		plain.p[i] = c == '-' ? '+' : c == '_' ? '/' : c;
	}
	for (size_t i = in.n; !err && i % 4 != 0; i++)
		err = berth_buf_append_u8(&plain, '=');
	if (err)
		return berth_fail(why, err, "base64-size", NULL, "no room for the decoded bytes");
	return berth_base64_decode(berth_buf_view(&plain), false, out, why);
}
