/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame our processes speak to each other over SOCK_SEQPACKET: one frame is one packet.
 *
 *	version u8 (1) | flags u8 | kind u16 | id u64 | fields: { tag u16 | length u32 | value } ...
 *
 * All integers are big endian. id is chosen by who asks and comes back in the reply, so that a late
 * answer never serves another request. What may come is a table of shapes, one for each kind; the
 * parser refuses what is not in it: unknown kinds and tags, missing, doubled, overlong or wrongly
 * sized fields, trailing bytes. So whoever reads a parsed frame need not ask whether a required
 * field is there. Two rooms for growth: a tag with BERTH_FRAME_IGNORABLE may be skipped by who does
 * not know it, and order is free.
 *
 *	enum { ASK_NAME = 1 };
 *	static const struct berth_frame_field ask_fields[] = {
 *		{.tag = ASK_NAME, .name = "name", .type = BERTH_FRAME_TEXT, .max = 64},
 *	};
 *	static const struct berth_frame_shape shapes[] = {
 *		{.kind = ASK, .name = "ask", .fields = ask_fields, .field_count = 1},
 *	};
 *	err = berth_frame_start(&buf, ASK, id);
 *	err = err ? err : berth_frame_put_text(&buf, ASK_NAME, "x");
 *	err = err ? err : berth_frame_finish(&buf);
 *	...
 *	err = berth_frame_parse(packet, shapes, 1, &frame, &why);
 *	struct berth_bytes name = berth_frame_get(&frame, ASK_NAME);
 */
#ifndef BERTH_CODEC_FRAME_H
#define BERTH_CODEC_FRAME_H

#include "base/bytes.h"

/* Below the kernel's default socket buffer (208 KiB), so that a packet never fails to be sent
 * whole. */
#define BERTH_FRAME_MAX ((size_t)192 << 10)
#define BERTH_FRAME_HEADER_BYTES 12
#define BERTH_FRAME_FIELDS_MAX 512 /* bounds the search for doubled tags */
#define BERTH_FRAME_SHAPE_MAX 64   /* kinds of fields in one kind of frame */
#define BERTH_FRAME_IGNORABLE 0x8000
#define BERTH_FRAME_REPLY 0x01 /* the only flag */

enum berth_frame_type {
	BERTH_FRAME_BYTES,
	BERTH_FRAME_TEXT, /* UTF-8 without NUL */
	BERTH_FRAME_U32,
	BERTH_FRAME_U64,
	BERTH_FRAME_I64 /* times */
};

enum berth_frame_use { BERTH_FRAME_REQUIRED, BERTH_FRAME_OPTIONAL, BERTH_FRAME_REPEATED /* 0.. */ };

struct berth_frame_field {
	uint16_t tag;
	enum berth_frame_type type;
	enum berth_frame_use use;
	uint32_t max; /* bytes of one value (BYTES, TEXT); 0: as much as the frame holds */
	const char *name;
};

struct berth_frame_shape {
	uint16_t kind;
	bool is_reply; /* request and reply of one kind are two shapes */
	const char *name;
	const struct berth_frame_field *fields;
	size_t field_count;
};

/* Borrows the packet and the table of shapes. */
struct berth_frame {
	uint16_t kind;
	bool is_reply;
	uint64_t id;
	const struct berth_frame_shape *shape;
	struct berth_bytes fields;
};

/* Empties buf and caps it at BERTH_FRAME_MAX; the put functions then fail with BERTH_E_LIMIT. */
enum berth_err berth_frame_start(struct berth_buf *buf, uint16_t kind, uint64_t id) BERTH_MUST;
enum berth_err berth_frame_start_reply(struct berth_buf *buf, uint16_t kind,
				       uint64_t id) BERTH_MUST;
enum berth_err berth_frame_put_bytes(struct berth_buf *buf, uint16_t tag,
				     struct berth_bytes b) BERTH_MUST;
/* NULL is the empty text. */
enum berth_err berth_frame_put_text(struct berth_buf *buf, uint16_t tag, const char *s) BERTH_MUST;
enum berth_err berth_frame_put_u32(struct berth_buf *buf, uint16_t tag, uint32_t v) BERTH_MUST;
enum berth_err berth_frame_put_u64(struct berth_buf *buf, uint16_t tag, uint64_t v) BERTH_MUST;
enum berth_err berth_frame_put_i64(struct berth_buf *buf, uint16_t tag, int64_t v) BERTH_MUST;
/* The last line of every builder: what was built is a frame (fields end where the buffer ends). */
enum berth_err berth_frame_finish(const struct berth_buf *buf) BERTH_MUST;

enum berth_err berth_frame_parse(struct berth_bytes packet, const struct berth_frame_shape *shapes,
				 size_t shape_count, struct berth_frame *ret,
				 struct berth_why *why) BERTH_MUST;

/* The first field of this tag; an empty view with p == NULL when it is not there. */
struct berth_bytes berth_frame_get(const struct berth_frame *frame, uint16_t tag);
bool berth_frame_has(const struct berth_frame *frame, uint16_t tag);
/* The value, or fallback when an optional field is not there. The tag's type is asserted. */
uint32_t berth_frame_get_u32(const struct berth_frame *frame, uint16_t tag, uint32_t fallback);
uint64_t berth_frame_get_u64(const struct berth_frame *frame, uint16_t tag, uint64_t fallback);
int64_t berth_frame_get_i64(const struct berth_frame *frame, uint16_t tag, int64_t fallback);
/*
 * Walks the fields of one tag in the order they came: *at starts as 0.
 *	for (size_t at = 0; berth_frame_next(frame, TAG, &at, &value);) ...
 */
bool berth_frame_next(const struct berth_frame *frame, uint16_t tag, size_t *at,
		      struct berth_bytes *ret);

#endif
