/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON written straight into a buffer, for what every request writes; the bytes are those of berth_json_encode. Commas
 * come by themselves. Keys are ours: plain ASCII. No value's validity is left to the caller but the brackets:
 *
 *	err = berth_json_start(out, '{');
 *	err = err ? err : berth_json_put_text(out, "a", text);
 *	err = err ? err : berth_json_open(out, "list", '[');
 *	err = err ? err : berth_json_put_i64(out, NULL, 1);
 *	err = err ? err : berth_json_shut(out, ']');
 *	err = err ? err : berth_json_shut(out, '}');
 *
 * What was appended when an error came is half a document: the caller drops it.
 */
#ifndef BERTH_CODEC_JSON_WRITE_H
#define BERTH_CODEC_JSON_WRITE_H

#include "base/bytes.h"

/* The whole document, whatever stands in out before it. */
enum berth_err berth_json_start(struct berth_buf *out, char bracket) BERTH_MUST;
/* Here and below: key NULL is an element of an array. */
enum berth_err berth_json_open(struct berth_buf *out, const char *key, char bracket) BERTH_MUST;
enum berth_err berth_json_shut(struct berth_buf *out, char bracket) BERTH_MUST;
/* BERTH_E_SYNTAX when text is not UTF-8 without NUL. */
enum berth_err berth_json_put_text(struct berth_buf *out, const char *key,
				   struct berth_bytes text) BERTH_MUST;
enum berth_err berth_json_put_i64(struct berth_buf *out, const char *key, int64_t v) BERTH_MUST;
enum berth_err berth_json_put_bool(struct berth_buf *out, const char *key, bool v) BERTH_MUST;
enum berth_err berth_json_put_base64(struct berth_buf *out, const char *key,
				     struct berth_bytes b) BERTH_MUST;

#endif
