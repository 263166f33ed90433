/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/json_plain.h"

#define DIGITS_MAX 18 /* any such number is an int64_t */

struct reader {
	const uint8_t *p, *end;
	size_t depth, max_depth;
	size_t values, max_values; /* counted as json.c counts them: by brackets and commas */
};

static json_t *read_value(struct reader *r);

static void
skip_white_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t')) {
		r->p++;
	}
}

/* The next byte that is no white space, taken when it is c. */
static bool
take(struct reader *r, uint8_t c)
{
	skip_white_space(r);
	if (r->p == r->end || *r->p != c) {
		return false;
	}
	r->p++;
	return true;
}

static bool
count_value(struct reader *r)
{
	return ++r->values <= r->max_values;
}

static bool
is_plain(uint8_t c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static bool
read_text(struct reader *r, struct berth_bytes *ret)
{
	if (!take(r, '"')) {
		return false;
	}
	const uint8_t *start = r->p;

	while (r->p < r->end && is_plain(*r->p)) {
		r->p++;
	}
	*ret = berth_bytes_of(start, (size_t)(r->p - start));
	return r->p < r->end && *r->p++ == '"';
}

static json_t *
read_integer(struct reader *r)
{
	bool is_negative = *r->p == '-';
	const uint8_t *start = r->p += is_negative;
	json_int_t v = 0;

	while (r->p < r->end && *r->p >= '0' && *r->p <= '9' && r->p - start < DIGITS_MAX) {
		v = v * 10 + (*r->p++ - '0');
	}
	/* "-0" is for jansson; a number must end where the next thing begins */
	if (r->p == start || r->p == r->end ||
	    (*start == '0' && (r->p - start > 1 || is_negative)) || !strchr(" \n\r\t,]}", *r->p) ||
	    *r->p == '\0') {
		return NULL;
	}
	return json_integer(is_negative ? -v : v);
}

static json_t *
read_word(struct reader *r)
{
	static const struct {
		const char *word;
		json_t *(*value)(void);
	} words[] = {{"true", json_true}, {"false", json_false}, {"null", json_null}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t n = strlen(words[i].word);

		if ((size_t)(r->end - r->p) > n && memcmp(r->p, words[i].word, n) == 0 &&
		    strchr(" \n\r\t,]}", r->p[n]) && r->p[n] != '\0') {
			r->p += n;
			return words[i].value();
		}
	}
	return NULL;
}

static bool
read_member(struct reader *r, json_t *object)
{
	struct berth_bytes key;
	size_t before = json_object_size(object);

	if (!read_text(r, &key) || !take(r, ':')) {
		return false;
	}
	json_t *value = read_value(r);

	/* a key that was there before leaves the size as it was */
	return value &&
	       json_object_setn_new_nocheck(object, (const char *)key.p, key.n, value) == 0 &&
	       json_object_size(object) == before + 1;
}

static bool
read_members(struct reader *r, json_t *object)
{
	if (take(r, '}')) {
		return true;
	}
	while (read_member(r, object)) {
		if (take(r, '}')) {
			return true;
		}
		if (!take(r, ',') || !count_value(r)) {
			return false;
		}
	}
	return false;
}

static bool
read_elements(struct reader *r, json_t *array)
{
	if (take(r, ']')) {
		return true;
	}
	for (json_t *value = read_value(r); value; value = read_value(r)) {
		if (json_array_append_new(array, value) != 0) {
			return false;
		}
		if (take(r, ']')) {
			return true;
		}
		if (!take(r, ',') || !count_value(r)) {
			return false;
		}
	}
	return false;
}

/* An object or an array whose bracket was taken. Recursion ends at max_depth. */
static json_t *
read_inside(struct reader *r, bool is_object)
{
	if (++r->depth > r->max_depth || !count_value(r)) {
		return NULL;
	}
	json_t *value = is_object ? json_object() : json_array();
	bool is_fine = value && (is_object ? read_members(r, value) : read_elements(r, value));

	r->depth--;
	if (is_fine) {
		return value;
	}
	json_decref(value);
	return NULL;
}

static json_t *
read_value(struct reader *r)
{
	struct berth_bytes text;

	skip_white_space(r);
	if (r->p == r->end) {
		return NULL;
	}
	if (*r->p == '{' || *r->p == '[') {
		return read_inside(r, *r->p++ == '{');
	}
	if (*r->p == '"') {
		return read_text(r, &text) ? json_stringn_nocheck((const char *)text.p, text.n)
					   : NULL;
	}
	return *r->p == '-' || (*r->p >= '0' && *r->p <= '9') ? read_integer(r) : read_word(r);
}

json_t *
berth_json_plain(struct berth_bytes text, size_t max_depth, size_t max_values)
{
	if (text.n == 0) {
		return NULL;
	}
	struct reader r = {.p = text.p,
			   .end = text.p + text.n,
			   .max_depth = max_depth,
			   .values = 1,
			   .max_values = max_values};

	skip_white_space(&r);
	if (r.p == r.end || (*r.p != '{' && *r.p != '[')) {
		return NULL;
	}
	json_t *value = read_value(&r);

	skip_white_space(&r);
	if (value && r.p == r.end) {
		return value;
	}
	json_decref(value);
	return NULL;
}
