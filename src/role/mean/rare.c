/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/mean/mean.h"

#define SPACES_MAX 3

static void
put_spaces(struct berth_mean *mean, struct berth_buf *out)
{
	static const uint8_t spaces[] = {' ', '\t', '\r', '\n'};
	uint32_t n = berth_random_below(&mean->dice, SPACES_MAX + 1);
	for (uint32_t i = 0; i < n; i++)
		berth_ignore(berth_buf_append_u8(out, spaces[berth_random_below(&mean->dice, 4)]),
			     "a shorter one is as good");
}

/* White space may stand after these; a number or a word must not be torn. */
static bool
is_structural(uint8_t c)
{
	return c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',' || c == '"';
}

/* In strings some characters become \u escapes, '/' becomes "\/" (RFC 8259 7); between tokens there may be white space. */
static enum berth_err
rewrite(struct berth_mean *mean, struct berth_bytes json, struct berth_buf *out)
{
	bool in_string = false;
	bool is_escaped = false;
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < json.n && !err; i++) {
		uint8_t c = json.p[i];
		bool is_plain = in_string && !is_escaped && c != '"' && c != '\\' && c < 0x80;
		if (is_plain && c == '/')
			err = berth_buf_append_text(out, "\\/");
		else if (is_plain && berth_mean_throws(mean, 2))
			err = berth_buf_printf(out, "\\u%04X", c);
		else
			err = berth_buf_append_u8(out, c);
		if (in_string)
			in_string = is_escaped || c != '"';
		else if (c == '"')
			in_string = true;
		is_escaped = in_string && !is_escaped && c == '\\';
		if (!in_string && !err && is_structural(c))
			put_spaces(mean, out);
	}
	return err;
}

/* A member that no specification knows, which readers ignore (RFC 8995 5.6), before all others of the inner object. */
static enum berth_err
add_member(struct berth_bytes json, struct berth_buf *out)
{
	static const char member[] =
		"\"x-means-nothing\":{\"a\":[1,-2.5e3,null,true,\"\\u00e9\"]},";
	const uint8_t *inner = json.n == 0 ? NULL : memchr(json.p + 1, '{', json.n - 1);
	size_t head = inner == NULL ? 0 : (size_t)(inner - json.p) + 1;
	enum berth_err err = berth_buf_append_bytes(out, berth_bytes_of(json.p, head));
	if (!err && head > 0)
		err = berth_buf_append_text(out, member);
	return err ? err
		   : berth_buf_append_bytes(out, berth_bytes_of(json.p + head, json.n - head));
}

void
berth_mean_rare_json(struct berth_mean *mean, struct berth_buf *json)
{
	BERTH_BUF longer = {0};
	BERTH_BUF rare = {0};
	if (rewrite(mean, berth_buf_view(json), &rare) ||
	    add_member(berth_buf_view(&rare), &longer))
		return;
	berth_buf_clear(json);
	berth_ignore(berth_buf_append_bytes(json, berth_buf_view(&longer)),
		     "an empty one is refused");
}

/* RFC 8951 3.1: white space anywhere. */
void
berth_mean_rare_base64(struct berth_mean *mean, struct berth_buf *text)
{
	BERTH_BUF rare = {0};
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; i < text->n && !err; i++) {
		if (berth_mean_throws(mean, 3))
			put_spaces(mean, &rare);
		err = berth_buf_append_u8(&rare, text->p[i]);
	}
	if (err)
		return;
	put_spaces(mean, &rare);
	berth_buf_clear(text);
	berth_ignore(berth_buf_append_bytes(text, berth_buf_view(&rare)),
		     "an empty one is refused");
}
