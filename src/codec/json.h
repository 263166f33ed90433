/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Strict JSON (RFC 8259) on jansson. Refused, each by its own rule: duplicate keys
 * (json-duplicate-key), bytes after the value (json-trailing-bytes), nesting (json-depth), size
 * (json-size), number of values (json-values), NUL in text (json-nul), ill-formed UTF-8 (json-utf8)
 * and everything else that is no JSON (json-syntax). The outermost value is an object or an array.
 *
 * Only code of codec, protocol and role touches jansson, and only through this header:
 *
 *	BERTH_JSON json_t *root = NULL;
 *	struct berth_bytes serial = BERTH_BYTES_NONE;
 *
 *	err = berth_json_parse(body, &limits, &root, why);
 *	err = err ? err : berth_json_get_text(root, "serial-number", BERTH_JSON_REQUIRED, &serial,
 *why);
 */
#ifndef BERTH_CODEC_JSON_H
#define BERTH_CODEC_JSON_H

#include "base/bytes.h"

#include <jansson.h>

/* 0 in a field means the default below it. */
struct berth_json_limits {
	size_t max_bytes;
	size_t max_depth;
	size_t max_values; /* all values of the document together; each costs about 100 bytes */
};

#define BERTH_JSON_BYTES_DEFAULT                                                                   \
	((size_t)256 << 10)	    /* a voucher with its chain fits many times                    \
				     */
#define BERTH_JSON_DEPTH_DEFAULT 16 /* our deepest document has 5 */
#define BERTH_JSON_VALUES_DEFAULT 8192

static inline void
berth_json_drop(json_t **json)
{
	json_decref(*json);
}

#define BERTH_JSON BERTH_CLEANUP(berth_json_drop)

/* *ret is the caller's reference. limits may be NULL. */
enum berth_err berth_json_parse(struct berth_bytes text, const struct berth_json_limits *limits,
				json_t **ret, struct berth_why *why) BERTH_MUST;

/*
 * Typed members of an object. What is returned borrows from the object. An optional member that is
 * not there leaves *ret as it was; null is not the same as not there and is refused. Refusals:
 * json-missing-member, json-member-type, json-member-range, and both name the key.
 */
enum berth_json_need { BERTH_JSON_OPTIONAL, BERTH_JSON_REQUIRED };

enum berth_err berth_json_get_text(const json_t *object, const char *key, enum berth_json_need need,
				   struct berth_bytes *ret, struct berth_why *why) BERTH_MUST;
enum berth_err berth_json_get_i64(const json_t *object, const char *key, enum berth_json_need need,
				  int64_t min, int64_t max, int64_t *ret,
				  struct berth_why *why) BERTH_MUST;
enum berth_err berth_json_get_bool(const json_t *object, const char *key, enum berth_json_need need,
				   bool *ret, struct berth_why *why) BERTH_MUST;
/* Base64 of RFC 4648 4 without white space; appended to ret. */
enum berth_err berth_json_get_base64(const json_t *object, const char *key,
				     enum berth_json_need need, struct berth_buf *ret,
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_json_get_object(const json_t *object, const char *key,
				     enum berth_json_need need, json_t **ret,
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_json_get_array(const json_t *object, const char *key,
				    enum berth_json_need need, json_t **ret,
				    struct berth_why *why) BERTH_MUST;
/* The text of one array element. */
enum berth_err berth_json_element_text(const json_t *array, size_t index, struct berth_bytes *ret,
				       struct berth_why *why) BERTH_MUST;
/* Refuses every member whose key is not among keys (json-unknown-member). */
enum berth_err berth_json_only_keys(const json_t *object, const char *const *keys, size_t count,
				    struct berth_why *why) BERTH_MUST;

/*
 * Builders. An object keeps the order of insertion. berth_json_set takes over value; a NULL value
 * is a failed allocation and gives BERTH_E_MEMORY, so that calls nest:
 *	err = berth_json_set(root, "list", json_array());
 */
enum berth_err berth_json_set(json_t *object, const char *key, json_t *value) BERTH_MUST;
/* BERTH_E_SYNTAX when text is not UTF-8 without NUL. */
enum berth_err berth_json_set_text(json_t *object, const char *key,
				   struct berth_bytes text) BERTH_MUST;
enum berth_err berth_json_set_i64(json_t *object, const char *key, int64_t v) BERTH_MUST;
enum berth_err berth_json_set_bool(json_t *object, const char *key, bool v) BERTH_MUST;
enum berth_err berth_json_set_base64(json_t *object, const char *key,
				     struct berth_bytes b) BERTH_MUST;

/* The same value always gives the same bytes: compact, and sorted when keys come in no order of
 * ours. */
enum berth_json_order { BERTH_JSON_AS_BUILT, BERTH_JSON_SORTED };
/* Appends to out, or leaves it as it was. */
enum berth_err berth_json_encode(const json_t *json, enum berth_json_order order,
				 struct berth_buf *out) BERTH_MUST;

#endif
