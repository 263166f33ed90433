/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/json_write.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/base64.h"

/* What comes before a value: a comma where another value stands before it, and the key. */
static enum berth_err
begin(struct berth_buf *out, const char *key)
{
	uint8_t last = out->p[out->n - 1]; /* the document was started */
	enum berth_err err = BERTH_OK;

	if (last != '{' && last != '[') {
		err = berth_buf_append(out, ",", 1);
	}
	if (err || !key) {
		return err;
	}
	err = berth_buf_append(out, "\"", 1);
	err = err ? err : berth_buf_append_text(out, key);
	return err ? err : berth_buf_append(out, "\":", 2);
}

enum berth_err
berth_json_start(struct berth_buf *out, char bracket)
{
	return berth_buf_append(out, &bracket, 1);
}

enum berth_err
berth_json_open(struct berth_buf *out, const char *key, char bracket)
{
	enum berth_err err = begin(out, key);

	return err ? err : berth_buf_append(out, &bracket, 1);
}

enum berth_err
berth_json_shut(struct berth_buf *out, char bracket)
{
	return berth_buf_append(out, &bracket, 1);
}

/* RFC 8259 7: the shortest form, control characters alone. */
static enum berth_err
put_escaped(struct berth_buf *out, uint8_t c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: character, letter */

	for (size_t i = 0; i + 1 < sizeof(shorts) - 1; i += 2) {
		if ((uint8_t)shorts[i] == c) {
			const char pair[2] = {'\\', shorts[i + 1]};

			return berth_buf_append(out, pair, sizeof(pair));
		}
	}
	return berth_buf_printf(out, "\\u%04X", c);
}

static enum berth_err
put_string(struct berth_buf *out, struct berth_bytes text)
{
	enum berth_err err = berth_buf_append(out, "\"", 1);
	size_t done = 0;

	for (size_t i = 0; i < text.n && !err; i++) {
		uint8_t c = text.p[i];

		if (c >= 0x20 && c != '"' && c != '\\') {
			continue;
		}
		err = berth_buf_append(out, text.p + done, i - done);
		err = err ? err : put_escaped(out, c);
		done = i + 1;
	}
	if (!err && done < text.n) {
		err = berth_buf_append(out, text.p + done, text.n - done);
	}
	return err ? err : berth_buf_append(out, "\"", 1);
}

enum berth_err
berth_json_put_text(struct berth_buf *out, const char *key, struct berth_bytes text)
{
	if (!berth_bytes_is_utf8(text)) {
		return BERTH_E_SYNTAX;
	}
	enum berth_err err = begin(out, key);

	return err ? err : put_string(out, text);
}

enum berth_err
berth_json_put_i64(struct berth_buf *out, const char *key, int64_t v)
{
	char text[24];
	enum berth_err err = begin(out, key);

	(void)snprintf(text, sizeof(text), "%" PRId64, v);
	return err ? err : berth_buf_append_text(out, text);
}

enum berth_err
berth_json_put_bool(struct berth_buf *out, const char *key, bool v)
{
	enum berth_err err = begin(out, key);

	return err ? err : berth_buf_append_text(out, v ? "true" : "false");
}

enum berth_err
berth_json_put_base64(struct berth_buf *out, const char *key, struct berth_bytes b)
{
	enum berth_err err = begin(out, key);

	err = err ? err : berth_buf_append(out, "\"", 1);
	err = err ? err : berth_base64_encode(b, 0, out);
	return err ? err : berth_buf_append(out, "\"", 1);
}
