/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/frame.h"

#include <assert.h>

#include "base/cursor.h"

#define VERSION 1
#define FIELD_HEADER_BYTES 6

static enum berth_err
start(struct berth_buf *buf, uint16_t kind, uint64_t id, uint8_t flags)
{
	berth_buf_clear(buf);
	buf->limit = BERTH_FRAME_MAX;
	enum berth_err err = berth_buf_append_u8(buf, VERSION);

	err = err ? err : berth_buf_append_u8(buf, flags);
	err = err ? err : berth_buf_append_u16(buf, kind);
	return err ? err : berth_buf_append_u64(buf, id);
}

enum berth_err
berth_frame_start(struct berth_buf *buf, uint16_t kind, uint64_t id)
{
	return start(buf, kind, id, 0);
}

enum berth_err
berth_frame_start_reply(struct berth_buf *buf, uint16_t kind, uint64_t id)
{
	return start(buf, kind, id, BERTH_FRAME_REPLY);
}

enum berth_err
berth_frame_put_bytes(struct berth_buf *buf, uint16_t tag, struct berth_bytes b)
{
	size_t before = buf->n;
	enum berth_err err = berth_buf_append_u16(buf, tag);

	err = err ? err : berth_buf_append_vector32(buf, b);
	if (err) {
		buf->n = before;
	}
	return err;
}

enum berth_err
berth_frame_put_text(struct berth_buf *buf, uint16_t tag, const char *s)
{
	return berth_frame_put_bytes(buf, tag, berth_text(s));
}

static enum berth_err
put_integer(struct berth_buf *buf, uint16_t tag, uint64_t v, size_t n)
{
	uint8_t wire[8];

	for (size_t i = 0; i < n; i++) {
		wire[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	}
	return berth_frame_put_bytes(buf, tag, berth_bytes_of(wire, n));
}

enum berth_err
berth_frame_put_u32(struct berth_buf *buf, uint16_t tag, uint32_t v)
{
	return put_integer(buf, tag, v, 4);
}

enum berth_err
berth_frame_put_u64(struct berth_buf *buf, uint16_t tag, uint64_t v)
{
	return put_integer(buf, tag, v, 8);
}

enum berth_err
berth_frame_put_i64(struct berth_buf *buf, uint16_t tag, int64_t v)
{
	return put_integer(buf, tag, (uint64_t)v, 8);
}

/* One field; the value of an empty field still points into the frame. */
struct field {
	uint16_t tag;
	struct berth_bytes value;
};

#define FIELD_HEAD_BYTES 6 /* tag, length */

static bool
next_field(struct berth_cursor *c, struct field *ret)
{
	size_t left = c->in.n - c->at;
	if (c->err || left == 0) {
		return false;
	}
	/* Fields are walked for each one that is asked for: the usual case without a call. */
	const uint8_t *p = c->in.p + c->at;
	size_t size = 0;
	if (left >= FIELD_HEAD_BYTES) {
		size = (size_t)p[2] << 24 | (size_t)p[3] << 16 | (size_t)p[4] << 8 | p[5];
	}
	if (left >= FIELD_HEAD_BYTES && size <= left - FIELD_HEAD_BYTES) {
		ret->tag = (uint16_t)(p[0] << 8 | p[1]);
		ret->value = berth_bytes_of(p + FIELD_HEAD_BYTES, size);
		c->at += FIELD_HEAD_BYTES + size;
		return true;
	}
	ret->tag = berth_cursor_u16(c);
	uint32_t n = berth_cursor_u32(c);

	if (c->err) {
		return false;
	}
	ret->value = berth_bytes_of(c->in.p + c->at, n);
	(void)berth_cursor_take(c, n);
	return !c->err;
}

enum berth_err
berth_frame_finish(const struct berth_buf *buf)
{
	if (buf->n < BERTH_FRAME_HEADER_BYTES || buf->n > BERTH_FRAME_MAX) {
		return BERTH_E_INTERNAL;
	}
	struct berth_cursor c = berth_cursor(berth_bytes_of(buf->p + BERTH_FRAME_HEADER_BYTES,
							    buf->n - BERTH_FRAME_HEADER_BYTES));
	struct field field;
	size_t count = 0;

	while (next_field(&c, &field)) {
		count++;
	}
	if (count > BERTH_FRAME_FIELDS_MAX) {
		return BERTH_E_LIMIT;
	}
	return c.err ? BERTH_E_INTERNAL : BERTH_OK;
}

static const struct berth_frame_field *
field_of_tag(const struct berth_frame_shape *shape, uint16_t tag)
{
	for (size_t i = 0; i < shape->field_count; i++) {
		if (shape->fields[i].tag == tag) {
			return &shape->fields[i];
		}
	}
	return NULL;
}

static bool
value_fits_type(struct berth_bytes value, enum berth_frame_type type)
{
	switch (type) {
	case BERTH_FRAME_BYTES:
		return true;
	case BERTH_FRAME_TEXT:
		return berth_bytes_is_utf8(value);
	case BERTH_FRAME_U32:
		return value.n == 4;
	case BERTH_FRAME_U64:
	case BERTH_FRAME_I64:
		return value.n == 8;
	}
	return false;
}

static enum berth_err
check_field(const struct berth_frame *frame, const struct field *field, size_t *counts,
	    struct berth_why *why)
{
	const struct berth_frame_field *known = field_of_tag(frame->shape, field->tag);

	if (!known && (field->tag & BERTH_FRAME_IGNORABLE)) {
		return BERTH_OK;
	}
	if (!known) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "frame-unknown-tag", NULL,
				  "a %s frame has no field %u", frame->shape->name,
				  (unsigned int)field->tag);
	}
	if (!value_fits_type(field->value, known->type)) {
		return berth_fail(why, BERTH_E_SYNTAX, "frame-field-form", NULL,
				  "field %s of a %s frame does not have its form", known->name,
				  frame->shape->name);
	}
	if (known->max > 0 && field->value.n > known->max) {
		return berth_fail(why, BERTH_E_LIMIT, "frame-field-size", NULL,
				  "field %s of a %s frame is longer than %u bytes", known->name,
				  frame->shape->name, (unsigned int)known->max);
	}
	counts[known - frame->shape->fields]++;
	return BERTH_OK;
}

/* Required fields are there, and only what may be repeated is. */
static enum berth_err
check_counts(const struct berth_frame *frame, const size_t *counts, struct berth_why *why)
{
	for (size_t i = 0; i < frame->shape->field_count; i++) {
		const struct berth_frame_field *known = &frame->shape->fields[i];

		if (known->use == BERTH_FRAME_REQUIRED && counts[i] == 0) {
			return berth_fail(why, BERTH_E_SYNTAX, "frame-missing-field", NULL,
					  "a %s frame needs the field %s", frame->shape->name,
					  known->name);
		}
		if (known->use != BERTH_FRAME_REPEATED && counts[i] > 1) {
			return berth_fail(why, BERTH_E_SYNTAX, "frame-doubled-field", NULL,
					  "a %s frame has the field %s more than once",
					  frame->shape->name, known->name);
		}
	}
	return BERTH_OK;
}

static enum berth_err
check_fields(const struct berth_frame *frame, struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(frame->fields);
	size_t counts[BERTH_FRAME_SHAPE_MAX] = {0};
	struct field field;
	size_t count = 0;

	assert(frame->shape->field_count <= BERTH_FRAME_SHAPE_MAX);
	while (next_field(&c, &field)) {
		enum berth_err err = check_field(frame, &field, counts, why);

		if (err) {
			return err;
		}
		if (++count > BERTH_FRAME_FIELDS_MAX) {
			return berth_fail(why, BERTH_E_LIMIT, "frame-fields", NULL,
					  "a frame has at most %d fields", BERTH_FRAME_FIELDS_MAX);
		}
	}
	enum berth_err err = berth_cursor_end(&c, "frame-syntax", why);

	return err ? err : check_counts(frame, counts, why);
}

static enum berth_err
parse_header(struct berth_cursor *c, struct berth_frame *frame, struct berth_why *why)
{
	uint8_t version = berth_cursor_u8(c);
	uint8_t flags = berth_cursor_u8(c);

	frame->kind = berth_cursor_u16(c);
	frame->is_reply = flags & BERTH_FRAME_REPLY;
	frame->id = berth_cursor_u64(c);
	if (c->err) {
		return berth_cursor_end(c, "frame-syntax", why);
	}
	if (version != VERSION || (flags & ~BERTH_FRAME_REPLY)) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "frame-version", NULL,
				  "frame version %u with flags %u: both ends must be one release",
				  (unsigned int)version, (unsigned int)flags);
	}
	return BERTH_OK;
}

enum berth_err
berth_frame_parse(struct berth_bytes packet, const struct berth_frame_shape *shapes,
		  size_t shape_count, struct berth_frame *ret, struct berth_why *why)
{
	if (packet.n > BERTH_FRAME_MAX) {
		return berth_fail(why, BERTH_E_LIMIT, "frame-size", NULL,
				  "a frame of %zu bytes is larger than %zu", packet.n,
				  BERTH_FRAME_MAX);
	}
	struct berth_cursor c = berth_cursor(packet);
	struct berth_frame frame = {0};
	enum berth_err err = parse_header(&c, &frame, why);

	if (err) {
		return err;
	}
	for (size_t i = 0; i < shape_count && !frame.shape; i++) {
		if (shapes[i].kind == frame.kind && shapes[i].is_reply == frame.is_reply) {
			frame.shape = &shapes[i];
		}
	}
	if (!frame.shape) {
		return berth_fail(why, BERTH_E_UNSUPPORTED, "frame-unknown-kind", NULL,
				  "no %s of kind %u may come here",
				  frame.is_reply ? "reply" : "request", (unsigned int)frame.kind);
	}
	frame.fields = berth_cursor_take(&c, berth_cursor_left(&c));
	err = check_fields(&frame, why);
	if (err) {
		return err;
	}
	*ret = frame;
	return BERTH_OK;
}

bool
berth_frame_next(const struct berth_frame *frame, uint16_t tag, size_t *at, struct berth_bytes *ret)
{
	struct berth_cursor c = {.in = frame->fields, .at = *at};
	struct field field;

	while (next_field(&c, &field)) {
		if (field.tag == tag) {
			*ret = field.value;
			*at = c.at;
			return true;
		}
	}
	return false;
}

struct berth_bytes
berth_frame_get(const struct berth_frame *frame, uint16_t tag)
{
	struct berth_bytes value = BERTH_BYTES_NONE;
	size_t at = 0;

	return berth_frame_next(frame, tag, &at, &value) ? value : BERTH_BYTES_NONE;
}

bool
berth_frame_has(const struct berth_frame *frame, uint16_t tag)
{
	return berth_frame_get(frame, tag).p;
}

static uint64_t
get_integer(const struct berth_frame *frame, uint16_t tag, size_t n, uint64_t fallback)
{
	struct berth_bytes value = berth_frame_get(frame, tag);
	uint64_t v = 0;

	if (!value.p) {
		return fallback;
	}
	assert(value.n == n);
	for (size_t i = 0; i < n; i++) {
		v = v << 8 | value.p[i];
	}
	return v;
}

uint32_t
berth_frame_get_u32(const struct berth_frame *frame, uint16_t tag, uint32_t fallback)
{
	return (uint32_t)get_integer(frame, tag, 4, fallback);
}

uint64_t
berth_frame_get_u64(const struct berth_frame *frame, uint16_t tag, uint64_t fallback)
{
	return get_integer(frame, tag, 8, fallback);
}

int64_t
berth_frame_get_i64(const struct berth_frame *frame, uint16_t tag, int64_t fallback)
{
	return (int64_t)get_integer(frame, tag, 8, (uint64_t)fallback);
}
