/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One cursor, one pass, one direction. Every read checks the length first; a failed read leaves the
 * cursor where it was and makes it fail for good (sticky), so a parser may read several fields and
 * test once. berth_cursor_end is the last line of every parser: left-over bytes are an error.
 *
 *	struct berth_cursor c = berth_cursor(input);
 *	uint16_t kind = berth_cursor_u16(&c);
 *	struct berth_bytes body = berth_cursor_vector16(&c, BODY_MAX);
 *	return berth_cursor_end(&c, "ipc-frame", why);
 */
#ifndef BERTH_BASE_CURSOR_H
#define BERTH_BASE_CURSOR_H

#include "base/bytes.h"

struct berth_cursor {
	struct berth_bytes in;
	size_t at;
	enum berth_err err; /* the first failure; sticky */
};

struct berth_cursor berth_cursor(struct berth_bytes in);
size_t berth_cursor_left(const struct berth_cursor *c);
/* All integers are big endian; 0 after a failure. */
uint8_t berth_cursor_u8(struct berth_cursor *c);
uint16_t berth_cursor_u16(struct berth_cursor *c);
uint32_t berth_cursor_u32(struct berth_cursor *c);
uint64_t berth_cursor_u64(struct berth_cursor *c);
/* Exactly n bytes; the empty view after a failure. */
struct berth_bytes berth_cursor_take(struct berth_cursor *c, size_t n);
/* A length-prefixed vector of at most max bytes (BERTH_E_LIMIT beyond). */
struct berth_bytes berth_cursor_vector16(struct berth_cursor *c, size_t max);
struct berth_bytes berth_cursor_vector32(struct berth_cursor *c, size_t max);
/* BERTH_OK when nothing failed and nothing is left; else fills why with rule and the offset. */
enum berth_err berth_cursor_end(const struct berth_cursor *c, const char *rule,
				struct berth_why *why) BERTH_MUST;

/* The writers that mirror the vectors; BERTH_E_LIMIT when b does not fit the prefix. */
enum berth_err berth_buf_append_vector16(struct berth_buf *buf, struct berth_bytes b) BERTH_MUST;
enum berth_err berth_buf_append_vector32(struct berth_buf *buf, struct berth_bytes b) BERTH_MUST;

#endif
