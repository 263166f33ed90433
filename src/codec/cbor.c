/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/cbor.h"

#define MAJOR_UINT 0
#define MAJOR_NEGATIVE 1
#define MAJOR_BYTES 2
#define MAJOR_TEXT 3
#define MAJOR_ARRAY 4
#define MAJOR_MAP 5
#define MAJOR_TAG 6
#define MAJOR_SIMPLE 7

#define INFO_ONE_BYTE 24 /* the argument follows in 1, 2, 4 or 8 bytes */
#define INFO_EIGHT_BYTES 27
#define INFO_INDEFINITE 31

#define SIMPLE_FALSE 20
#define SIMPLE_TRUE 21
#define SIMPLE_NULL 22
#define SIMPLE_RESERVED_MAX 31 /* RFC 8949 3.3: not to be written in two bytes */

struct head {
	uint8_t major;
	uint8_t info;
	uint64_t argument;
	bool is_shortest;
};

struct berth_cbor
berth_cbor(struct berth_bytes in)
{
	return (struct berth_cbor){.in = in};
}

size_t
berth_cbor_left(const struct berth_cbor *c)
{
	return c->err ? 0 : c->in.n - c->at;
}

void
berth_cbor_refuse(struct berth_cbor *c, enum berth_err err, const char *what)
{
	if (!c->err) {
		c->err = err;
		c->what = what;
	}
}

static uint64_t
big_endian(const uint8_t *p, size_t n)
{
	uint64_t v = 0;
	for (size_t i = 0; i < n; i++) {
		v = v << 8 | p[i];
	}
	return v;
}

/* RFC 8949 3: what stands before every item. Moves on only when it is whole. */
static bool
read_head(struct berth_cbor *c, struct head *ret)
{
	if (berth_cbor_left(c) == 0) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "ends inside an item");
		return false;
	}
	const uint8_t *p = c->in.p + c->at;
	struct head head = {.major = p[0] >> 5, .info = p[0] & 31, .is_shortest = true};
	head.argument = head.info;
	size_t more = 0;
	if (head.info == INFO_INDEFINITE) {
		berth_cbor_refuse(c, BERTH_E_UNSUPPORTED, "an indefinite length");
		return false;
	}
	if (head.info > INFO_EIGHT_BYTES) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "a reserved length");
		return false;
	}
	if (head.info >= INFO_ONE_BYTE) {
		static const uint64_t shorter_max[] = {INFO_ONE_BYTE - 1, UINT8_MAX, UINT16_MAX,
						       UINT32_MAX};
		more = (size_t)1 << (head.info - INFO_ONE_BYTE);
		if (berth_cbor_left(c) - 1 < more) {
			berth_cbor_refuse(c, BERTH_E_SYNTAX, "ends inside a number");
			return false;
		}
		head.argument = big_endian(p + 1, more);
		head.is_shortest = head.argument > shorter_max[head.info - INFO_ONE_BYTE];
	}
	if (head.major == MAJOR_SIMPLE && head.info == INFO_ONE_BYTE &&
	    head.argument <= SIMPLE_RESERVED_MAX) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "a simple value in two bytes");
		return false;
	}
	c->at += 1 + more;
	*ret = head;
	return true;
}

static enum berth_cbor_kind
kind_of(uint8_t first)
{
	static const enum berth_cbor_kind kinds[] = {
		[MAJOR_UINT] = BERTH_CBOR_UINT,	  [MAJOR_NEGATIVE] = BERTH_CBOR_NEGATIVE,
		[MAJOR_BYTES] = BERTH_CBOR_BYTES, [MAJOR_TEXT] = BERTH_CBOR_TEXT,
		[MAJOR_ARRAY] = BERTH_CBOR_ARRAY, [MAJOR_MAP] = BERTH_CBOR_MAP,
		[MAJOR_TAG] = BERTH_CBOR_TAG,	  [MAJOR_SIMPLE] = BERTH_CBOR_SIMPLE,
	};
	const uint8_t info = first & 31;
	if (first >> 5 != MAJOR_SIMPLE) {
		return kinds[first >> 5];
	}
	if (info == SIMPLE_FALSE || info == SIMPLE_TRUE) {
		return BERTH_CBOR_BOOL;
	}
	if (info == SIMPLE_NULL) {
		return BERTH_CBOR_NULL;
	}
	return info > INFO_ONE_BYTE && info <= INFO_EIGHT_BYTES ? BERTH_CBOR_FLOAT
								: BERTH_CBOR_SIMPLE;
}

enum berth_cbor_kind
berth_cbor_peek(const struct berth_cbor *c)
{
	return berth_cbor_left(c) ? kind_of(c->in.p[c->at]) : BERTH_CBOR_NONE;
}

static bool
read_kind(struct berth_cbor *c, enum berth_cbor_kind kind, const char *what, struct head *ret)
{
	if (berth_cbor_left(c) && berth_cbor_peek(c) != kind) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, what);
		return false;
	}
	return read_head(c, ret);
}

uint64_t
berth_cbor_uint(struct berth_cbor *c, uint64_t max)
{
	struct head head;
	if (!read_kind(c, BERTH_CBOR_UINT, "not an unsigned number", &head)) {
		return 0;
	}
	if (head.argument > max) {
		berth_cbor_refuse(c, BERTH_E_LIMIT, "a number that is too large");
		return 0;
	}
	return head.argument;
}

int64_t
berth_cbor_int(struct berth_cbor *c)
{
	struct head head;
	const bool is_negative = berth_cbor_peek(c) == BERTH_CBOR_NEGATIVE;
	if (!read_kind(c, is_negative ? BERTH_CBOR_NEGATIVE : BERTH_CBOR_UINT, "not a number",
		       &head)) {
		return 0;
	}
	if (head.argument > INT64_MAX) {
		berth_cbor_refuse(c, BERTH_E_LIMIT, "a number that is too large");
		return 0;
	}
	return is_negative ? -1 - (int64_t)head.argument : (int64_t)head.argument;
}

/* The bytes of a string whose head is read. */
static struct berth_bytes
take(struct berth_cbor *c, const struct head *head, size_t max)
{
	if (head->argument > max) {
		berth_cbor_refuse(c, BERTH_E_LIMIT, "a string that is too long");
		return BERTH_BYTES_NONE;
	}
	if (head->argument > berth_cbor_left(c)) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "ends inside a string");
		return BERTH_BYTES_NONE;
	}
	const struct berth_bytes b = berth_bytes_of(c->in.p + c->at, (size_t)head->argument);
	c->at += b.n;
	return b;
}

static struct berth_bytes
take_text(struct berth_cbor *c, const struct head *head, size_t max)
{
	const struct berth_bytes b = take(c, head, max);
	if (!berth_bytes_is_utf8(b)) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "a text that is not UTF-8");
		return BERTH_BYTES_NONE;
	}
	return b;
}

struct berth_bytes
berth_cbor_bytes(struct berth_cbor *c, size_t max)
{
	struct head head;
	return read_kind(c, BERTH_CBOR_BYTES, "not a byte string", &head) ? take(c, &head, max)
									  : BERTH_BYTES_NONE;
}

struct berth_bytes
berth_cbor_text(struct berth_cbor *c, size_t max)
{
	struct head head;
	return read_kind(c, BERTH_CBOR_TEXT, "not a text", &head) ? take_text(c, &head, max)
								  : BERTH_BYTES_NONE;
}

/* An item takes at least a byte, so what cannot be there need not be looped over. */
static size_t
count(struct berth_cbor *c, const struct head *head, size_t max, size_t items_each)
{
	if (head->argument > max) {
		berth_cbor_refuse(c, BERTH_E_LIMIT, "too many items");
		return 0;
	}
	if (head->argument > berth_cbor_left(c) / items_each) {
		berth_cbor_refuse(c, BERTH_E_SYNTAX, "fewer items than it says");
		return 0;
	}
	return (size_t)head->argument;
}

size_t
berth_cbor_array(struct berth_cbor *c, size_t max)
{
	struct head head;
	return read_kind(c, BERTH_CBOR_ARRAY, "not an array", &head) ? count(c, &head, max, 1) : 0;
}

size_t
berth_cbor_map(struct berth_cbor *c, size_t max)
{
	struct head head;
	return read_kind(c, BERTH_CBOR_MAP, "not a map", &head) ? count(c, &head, max, 2) : 0;
}

uint64_t
berth_cbor_tag(struct berth_cbor *c)
{
	struct head head;
	return read_kind(c, BERTH_CBOR_TAG, "not a tag", &head) ? head.argument : 0;
}

bool
berth_cbor_bool(struct berth_cbor *c)
{
	struct head head;
	return read_kind(c, BERTH_CBOR_BOOL, "not true or false", &head) &&
	       head.info == SIMPLE_TRUE;
}

void
berth_cbor_null(struct berth_cbor *c)
{
	struct head head;
	(void)read_kind(c, BERTH_CBOR_NULL, "not null", &head);
}

/* ---- whole items ---- */

/* One array, map or tag that is open: how many items are still to come, and a map's last key. */
struct level {
	uint64_t left;
	bool is_map;
	struct berth_bytes key;
	size_t key_at;
};

/* RFC 8949 4.2.1: bytewise, and none twice. */
static bool
is_after(struct berth_bytes key, struct berth_bytes before)
{
	const size_t n = key.n < before.n ? key.n : before.n;
	const int order = n ? memcmp(key.p, before.p, n) : 0;
	return order > 0 || (order == 0 && key.n > before.n);
}

/* An item of this level is complete. */
static void
complete(struct berth_cbor *c, struct level *level, bool is_deterministic)
{
	const bool was_key = level->is_map && level->left % 2 == 0;
	level->left--;
	if (was_key) {
		const struct berth_bytes key =
			berth_bytes_of(c->in.p + level->key_at, c->at - level->key_at);
		if (is_deterministic && level->key.n && !is_after(key, level->key)) {
			berth_cbor_refuse(c, BERTH_E_SYNTAX, "map keys not in order, or twice");
		}
		level->key = key;
	}
	level->key_at = c->at;
}

/* Opens what holds others; strings are taken. False: it failed, or there is no room for another level. */
static bool
open_item(struct berth_cbor *c, const struct head *head, struct level *level)
{
	*level = (struct level){.key_at = c->at};
	if (head->major == MAJOR_BYTES) {
		(void)take(c, head, SIZE_MAX);
	} else if (head->major == MAJOR_TEXT) {
		(void)take_text(c, head, SIZE_MAX);
	} else if (head->major == MAJOR_ARRAY) {
		level->left = count(c, head, SIZE_MAX, 1);
	} else if (head->major == MAJOR_MAP) {
		level->left = 2 * (uint64_t)count(c, head, SIZE_MAX / 2, 2);
		level->is_map = true;
	} else if (head->major == MAJOR_TAG) {
		level->left = 1;
	}
	return !c->err;
}

static void
walk(struct berth_cbor *c, bool is_deterministic)
{
	struct level levels[BERTH_CBOR_DEPTH_MAX + 1] = {{.left = 1}};
	size_t depth = 0;
	while (!c->err) {
		struct head head;
		struct level inner;
		while (levels[depth].left == 0) {
			if (depth == 0) {
				return;
			}
			complete(c, &levels[--depth], is_deterministic);
		}
		if (c->err || !read_head(c, &head) || !open_item(c, &head, &inner)) {
			return;
		}
		const bool is_float = head.major == MAJOR_SIMPLE && head.info > INFO_ONE_BYTE;
		if (is_deterministic && !is_float && !head.is_shortest) {
			berth_cbor_refuse(c, BERTH_E_SYNTAX, "not the shortest form of a number");
			return;
		}
		if (inner.left == 0) {
			complete(c, &levels[depth], is_deterministic);
		} else if (depth == BERTH_CBOR_DEPTH_MAX) {
			berth_cbor_refuse(c, BERTH_E_LIMIT, "nested too deeply");
		} else {
			levels[++depth] = inner;
		}
	}
}

struct berth_bytes
berth_cbor_skip(struct berth_cbor *c)
{
	const size_t from = c->at;
	walk(c, false);
	return c->err ? BERTH_BYTES_NONE : berth_bytes_of(c->in.p + from, c->at - from);
}

enum berth_err
berth_cbor_end(const struct berth_cbor *c, const char *rule, struct berth_why *why)
{
	if (c->err) {
		return berth_fail_at(why, c->err, rule, "RFC 8949", c->at, "CBOR: %s at byte %zu",
				     c->what, c->at);
	}
	if (c->at < c->in.n) {
		return berth_fail_at(why, BERTH_E_SYNTAX, rule, "RFC 8949", c->at,
				     "CBOR: %zu bytes follow the end at byte %zu", c->in.n - c->at,
				     c->at);
	}
	return BERTH_OK;
}

enum berth_err
berth_cbor_check(struct berth_bytes in, bool is_deterministic, struct berth_why *why)
{
	struct berth_cbor c = berth_cbor(in);
	walk(&c, is_deterministic);
	return berth_cbor_end(&c, "cbor", why);
}

/* ---- writing ---- */

static enum berth_err
put_head(struct berth_buf *buf, uint8_t major, uint64_t argument)
{
	const uint8_t first = (uint8_t)(major << 5);
	if (argument < INFO_ONE_BYTE) {
		return berth_buf_append_u8(buf, (uint8_t)(first | argument));
	}
	const unsigned size = argument <= UINT8_MAX    ? 0
			      : argument <= UINT16_MAX ? 1
			      : argument <= UINT32_MAX ? 2
						       : 3;
	uint8_t bytes[9] = {(uint8_t)(first | (INFO_ONE_BYTE + size))};
	const size_t n = (size_t)1 << size;
	for (size_t i = 0; i < n; i++) {
		bytes[n - i] = (uint8_t)(argument >> (8 * i));
	}
	return berth_buf_append(buf, bytes, n + 1);
}

enum berth_err
berth_cbor_put_uint(struct berth_buf *buf, uint64_t v)
{
	return put_head(buf, MAJOR_UINT, v);
}

enum berth_err
berth_cbor_put_int(struct berth_buf *buf, int64_t v)
{
	return v < 0 ? put_head(buf, MAJOR_NEGATIVE, (uint64_t)(-1 - v))
		     : put_head(buf, MAJOR_UINT, (uint64_t)v);
}

enum berth_err
berth_cbor_put_bytes(struct berth_buf *buf, struct berth_bytes b)
{
	const enum berth_err err = put_head(buf, MAJOR_BYTES, b.n);
	return err ? err : berth_buf_append_bytes(buf, b);
}

enum berth_err
berth_cbor_put_text(struct berth_buf *buf, struct berth_bytes utf8)
{
	if (!berth_bytes_is_utf8(utf8)) {
		return BERTH_E_SYNTAX;
	}
	const enum berth_err err = put_head(buf, MAJOR_TEXT, utf8.n);
	return err ? err : berth_buf_append_bytes(buf, utf8);
}

enum berth_err
berth_cbor_put_array(struct berth_buf *buf, size_t n)
{
	return put_head(buf, MAJOR_ARRAY, n);
}

enum berth_err
berth_cbor_put_map(struct berth_buf *buf, size_t n)
{
	return put_head(buf, MAJOR_MAP, n);
}

enum berth_err
berth_cbor_put_tag(struct berth_buf *buf, uint64_t tag)
{
	return put_head(buf, MAJOR_TAG, tag);
}

enum berth_err
berth_cbor_put_bool(struct berth_buf *buf, bool v)
{
	return put_head(buf, MAJOR_SIMPLE, v ? SIMPLE_TRUE : SIMPLE_FALSE);
}

enum berth_err
berth_cbor_put_null(struct berth_buf *buf)
{
	return put_head(buf, MAJOR_SIMPLE, SIMPLE_NULL);
}
