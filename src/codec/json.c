/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/json.h"

#include "base/base64.h"
#include "codec/json_plain.h"

#define RFC "RFC 8259"

/* What one pass over the text, without recursion, must find before jansson recurses into it. */
static enum berth_err
scan(struct berth_bytes text, size_t max_depth, size_t max_values, struct berth_why *why)
{
	size_t depth = 0;
	size_t values = 1;
	bool in_text = false;

	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (in_text) {
			if (c == '\\') {
				i++;
			}
			in_text = c != '"';
			continue;
		}
		in_text = c == '"';
		if (c == '{' || c == '[') {
			depth++;
		}
		if ((c == '}' || c == ']') && depth > 0) {
			depth--;
		}
		if (c == '{' || c == '[' || c == ',') {
			values++;
		}
		if (depth > max_depth) {
			return berth_fail_at(why, BERTH_E_LIMIT, "json-depth", RFC " 9", i,
					     "JSON is nested deeper than %zu", max_depth);
		}
		if (values > max_values) {
			return berth_fail_at(why, BERTH_E_LIMIT, "json-values", RFC " 9", i,
					     "JSON has more than %zu values", max_values);
		}
	}
	return BERTH_OK;
}

static enum berth_err
refuse(const json_error_t *error, struct berth_why *why)
{
	static const struct {
		enum json_error_code code;
		enum berth_err err;
		const char *rule;
	} rules[] = {
		{json_error_duplicate_key, BERTH_E_SYNTAX, "json-duplicate-key"},
		{json_error_end_of_input_expected, BERTH_E_SYNTAX, "json-trailing-bytes"},
		{json_error_null_character, BERTH_E_SYNTAX, "json-nul"},
		{json_error_null_byte_in_key, BERTH_E_SYNTAX, "json-nul"},
		{json_error_invalid_utf8, BERTH_E_SYNTAX, "json-utf8"},
		{json_error_stack_overflow, BERTH_E_LIMIT, "json-depth"},
		{json_error_out_of_memory, BERTH_E_MEMORY, "json-memory"},
	};
	size_t at = error->position > 0 ? (size_t)error->position : 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (rules[i].code == json_error_code(error)) {
			return berth_fail_at(why, rules[i].err, rules[i].rule, RFC, at,
					     "JSON refused at byte %zu: %s", at, error->text);
		}
	}
	return berth_fail_at(why, BERTH_E_SYNTAX, "json-syntax", RFC, at,
			     "not JSON at byte %zu: %s", at, error->text);
}

enum berth_err
berth_json_parse(struct berth_bytes text, const struct berth_json_limits *limits, json_t **ret,
		 struct berth_why *why)
{
	struct berth_json_limits l = limits ? *limits : (struct berth_json_limits){0};
	size_t max_bytes = l.max_bytes ? l.max_bytes : BERTH_JSON_BYTES_DEFAULT;

	if (text.n > max_bytes) {
		return berth_fail(why, BERTH_E_LIMIT, "json-size", RFC " 9",
				  "%zu bytes of JSON where %zu are allowed", text.n, max_bytes);
	}
	size_t max_depth = l.max_depth ? l.max_depth : BERTH_JSON_DEPTH_DEFAULT;
	size_t max_values = l.max_values ? l.max_values : BERTH_JSON_VALUES_DEFAULT;
	json_t *plain = berth_json_plain(text, max_depth, max_values);

	if (plain) {
		*ret = plain;
		return BERTH_OK;
	}
	enum berth_err err = scan(text, max_depth, max_values, why);

	if (err) {
		return err;
	}
	if (text.n == 0) {
		return berth_fail(why, BERTH_E_SYNTAX, "json-syntax", RFC, "no JSON at all");
	}
	json_error_t error;
	json_t *json = json_loadb((const char *)text.p, text.n, JSON_REJECT_DUPLICATES, &error);

	if (!json) {
		return refuse(&error, why);
	}
	*ret = json;
	return BERTH_OK;
}

/* *ret is NULL when an optional member is not there. */
static enum berth_err
member(const json_t *object, const char *key, enum berth_json_need need, json_type type,
       const char *type_name, json_t **ret, struct berth_why *why)
{
	json_t *value = json_object_get(object, key);

	*ret = NULL;
	if (!value && need == BERTH_JSON_OPTIONAL) {
		return BERTH_OK;
	}
	if (!value) {
		return berth_fail(why, BERTH_E_SYNTAX, "json-missing-member", NULL,
				  "the member \"%s\" is missing", key);
	}
	/* jansson has two types for one boolean */
	bool fits = type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == type;

	if (!fits) {
		return berth_fail(why, BERTH_E_SYNTAX, "json-member-type", NULL,
				  "the member \"%s\" must be %s", key, type_name);
	}
	*ret = value;
	return BERTH_OK;
}

static struct berth_bytes
text_of(const json_t *value)
{
	return berth_bytes_of(json_string_value(value), json_string_length(value));
}

enum berth_err
berth_json_get_text(const json_t *object, const char *key, enum berth_json_need need,
		    struct berth_bytes *ret, struct berth_why *why)
{
	json_t *value = NULL;
	enum berth_err err = member(object, key, need, JSON_STRING, "a string", &value, why);

	if (!err && value) {
		*ret = text_of(value);
	}
	return err;
}

enum berth_err
berth_json_get_i64(const json_t *object, const char *key, enum berth_json_need need, int64_t min,
		   int64_t max, int64_t *ret, struct berth_why *why)
{
	json_t *value = NULL;
	enum berth_err err = member(object, key, need, JSON_INTEGER, "an integer", &value, why);

	if (err || !value) {
		return err;
	}
	int64_t v = json_integer_value(value);

	if (v < min || v > max) {
		return berth_fail(why, BERTH_E_SYNTAX, "json-member-range", NULL,
				  "the member \"%s\" must be from %lld to %lld", key,
				  (long long)min, (long long)max);
	}
	*ret = v;
	return BERTH_OK;
}

enum berth_err
berth_json_get_bool(const json_t *object, const char *key, enum berth_json_need need, bool *ret,
		    struct berth_why *why)
{
	json_t *value = NULL;
	enum berth_err err = member(object, key, need, JSON_TRUE, "true or false", &value, why);

	if (!err && value) {
		*ret = json_is_true(value);
	}
	return err;
}

enum berth_err
berth_json_get_base64(const json_t *object, const char *key, enum berth_json_need need,
		      struct berth_buf *ret, struct berth_why *why)
{
	struct berth_bytes text = BERTH_BYTES_NONE;
	enum berth_err err = berth_json_get_text(object, key, need, &text, why);

	if (err || !text.p) {
		return err;
	}
	err = berth_base64_decode(text, false, ret, NULL);
	if (err) {
		return berth_fail(why, err, "json-member-base64", "RFC 4648 4",
				  "the member \"%s\" must be base64 with padding", key);
	}
	return BERTH_OK;
}

enum berth_err
berth_json_get_object(const json_t *object, const char *key, enum berth_json_need need,
		      json_t **ret, struct berth_why *why)
{
	json_t *value = NULL;
	enum berth_err err = member(object, key, need, JSON_OBJECT, "an object", &value, why);

	if (!err && value) {
		*ret = value;
	}
	return err;
}

enum berth_err
berth_json_get_array(const json_t *object, const char *key, enum berth_json_need need, json_t **ret,
		     struct berth_why *why)
{
	json_t *value = NULL;
	enum berth_err err = member(object, key, need, JSON_ARRAY, "an array", &value, why);

	if (!err && value) {
		*ret = value;
	}
	return err;
}

enum berth_err
berth_json_element_text(const json_t *array, size_t index, struct berth_bytes *ret,
			struct berth_why *why)
{
	const json_t *value = json_array_get(array, index);

	if (!json_is_string(value)) {
		return berth_fail(why, BERTH_E_SYNTAX, "json-member-type", NULL,
				  "element %zu of the array must be a string", index);
	}
	*ret = text_of(value);
	return BERTH_OK;
}

static bool
is_among(const char *key, const char *const *keys, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(key, keys[i]) == 0) {
			return true;
		}
	}
	return false;
}

enum berth_err
berth_json_only_keys(const json_t *object, const char *const *keys, size_t count,
		     struct berth_why *why)
{
	const char *key;
	json_t *value;
	/* jansson's iterators want a json_t they could change, and do not */
	json_t *walked = (json_t *)(uintptr_t)object;

	json_object_foreach(walked, key, value)
	{
		if (!is_among(key, keys, count)) {
			return berth_fail(why, BERTH_E_SYNTAX, "json-unknown-member", NULL,
					  "the member \"%s\" is not known here", key);
		}
	}
	return BERTH_OK;
}

enum berth_err
berth_json_set(json_t *object, const char *key, json_t *value)
{
	return value && json_object_set_new(object, key, value) == 0 ? BERTH_OK : BERTH_E_MEMORY;
}

enum berth_err
berth_json_set_text(json_t *object, const char *key, struct berth_bytes text)
{
	if (!berth_bytes_is_utf8(text)) {
		return BERTH_E_SYNTAX;
	}
	return berth_json_set(object, key,
			      json_stringn_nocheck(text.p ? (const char *)text.p : "", text.n));
}

enum berth_err
berth_json_set_i64(json_t *object, const char *key, int64_t v)
{
	return berth_json_set(object, key, json_integer(v));
}

enum berth_err
berth_json_set_bool(json_t *object, const char *key, bool v)
{
	return berth_json_set(object, key, json_boolean(v));
}

enum berth_err
berth_json_set_base64(json_t *object, const char *key, struct berth_bytes b)
{
	BERTH_BUF text = {0};
	enum berth_err err = berth_base64_encode(b, 0, &text);

	return err ? err : berth_json_set_text(object, key, berth_buf_view(&text));
}

static int
append(const char *p, size_t n, void *context)
{
	struct berth_buf *out = context;

	return berth_buf_append(out, p, n) ? -1 : 0;
}

enum berth_err
berth_json_encode(const json_t *json, enum berth_json_order order, struct berth_buf *out)
{
	size_t before = out->n;
	size_t flags = JSON_COMPACT | (order == BERTH_JSON_SORTED ? JSON_SORT_KEYS : 0);

	if (json_dump_callback(json, append, out, flags)) {
		out->n = before;
		return BERTH_E_MEMORY;
	}
	return BERTH_OK;
}
