/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cursor.h"

struct berth_cursor
berth_cursor(struct berth_bytes in)
{
	return (struct berth_cursor){.in = in};
}

size_t
berth_cursor_left(const struct berth_cursor *c)
{
	return c->in.n - c->at;
}

struct berth_bytes
berth_cursor_take(struct berth_cursor *c, size_t n)
{
	if (c->err) {
		return BERTH_BYTES_NONE;
	}
	if (n > berth_cursor_left(c)) {
		c->err = BERTH_E_SYNTAX;
		return BERTH_BYTES_NONE;
	}
	if (n == 0) {
		return BERTH_BYTES_NONE;
	}
	struct berth_bytes taken = berth_bytes_of(c->in.p + c->at, n);

	c->at += n;
	return taken;
}

static uint64_t
integer(struct berth_cursor *c, size_t n)
{
	struct berth_bytes wire = berth_cursor_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; i < wire.n; i++) {
		v = v << 8 | wire.p[i];
	}
	return v;
}

uint8_t
berth_cursor_u8(struct berth_cursor *c)
{
	return (uint8_t)integer(c, 1);
}

uint16_t
berth_cursor_u16(struct berth_cursor *c)
{
	return (uint16_t)integer(c, 2);
}

uint32_t
berth_cursor_u32(struct berth_cursor *c)
{
	return (uint32_t)integer(c, 4);
}

uint64_t
berth_cursor_u64(struct berth_cursor *c)
{
	return integer(c, 8);
}

/* A vector that fails leaves the cursor before its length. */
static struct berth_bytes
vector(struct berth_cursor *c, size_t prefix, size_t max)
{
	size_t before = c->at;
	uint64_t n = integer(c, prefix);

	if (!c->err && n > max) {
		c->err = BERTH_E_LIMIT;
	}
	struct berth_bytes v = c->err ? BERTH_BYTES_NONE : berth_cursor_take(c, (size_t)n);

	if (c->err) {
		c->at = before;
	}
	return v;
}

struct berth_bytes
berth_cursor_vector16(struct berth_cursor *c, size_t max)
{
	return vector(c, 2, max);
}

struct berth_bytes
berth_cursor_vector32(struct berth_cursor *c, size_t max)
{
	return vector(c, 4, max);
}

enum berth_err
berth_cursor_end(const struct berth_cursor *c, const char *rule, struct berth_why *why)
{
	if (c->err == BERTH_E_LIMIT) {
		return berth_fail_at(why, c->err, rule, NULL, c->at,
				     "a field at byte %zu is longer than allowed", c->at);
	}
	if (c->err) {
		return berth_fail_at(why, c->err, rule, NULL, c->at,
				     "the input ends within the field at byte %zu", c->at);
	}
	if (berth_cursor_left(c) > 0) {
		return berth_fail_at(why, BERTH_E_SYNTAX, rule, NULL, c->at,
				     "%zu bytes are left over after byte %zu", berth_cursor_left(c),
				     c->at);
	}
	return BERTH_OK;
}

/* Nothing is written unless all of it is. */
static enum berth_err
append_vector(struct berth_buf *buf, struct berth_bytes b, size_t prefix)
{
	size_t before = buf->n;
	enum berth_err err = prefix == 2 ? berth_buf_append_u16(buf, (uint16_t)b.n)
					 : berth_buf_append_u32(buf, (uint32_t)b.n);

	if (!err) {
		err = berth_buf_append_bytes(buf, b);
	}
	if (err) {
		buf->n = before;
	}
	return err;
}

enum berth_err
berth_buf_append_vector16(struct berth_buf *buf, struct berth_bytes b)
{
	return b.n > UINT16_MAX ? BERTH_E_LIMIT : append_vector(buf, b, 2);
}

enum berth_err
berth_buf_append_vector32(struct berth_buf *buf, struct berth_bytes b)
{
	return b.n > UINT32_MAX ? BERTH_E_LIMIT : append_vector(buf, b, 4);
}
