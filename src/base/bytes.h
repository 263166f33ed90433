/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * berth_bytes borrows, berth_buf owns. Text is bytes too; a view is never NUL-terminated unless it
 * says so. A view lives as long as what it looks into: an arena, a buffer or a static string.
 */
#ifndef BERTH_BASE_BYTES_H
#define BERTH_BASE_BYTES_H

#include "base/err.h"

#include <string.h>

struct berth_bytes {
	const uint8_t *p;
	size_t n;
};

#define BERTH_BYTES_NONE ((struct berth_bytes){NULL, 0})
/* A view of a string literal or an array, without its NUL. */
#define BERTH_LIT(literal) ((struct berth_bytes){(const uint8_t *)(literal), sizeof(literal) - 1})

/* The same as the initialiser of a static table's member. */
#define BERTH_LIT_INIT(literal)                                                                    \
	{                                                                                          \
		(const uint8_t *)(literal), sizeof(literal) - 1                                    \
	}

static inline struct berth_bytes
berth_bytes_of(const void *p, size_t n)
{
	return (struct berth_bytes){p, n};
}

/* NULL gives the empty view. */
struct berth_bytes berth_text(const char *s);
bool berth_bytes_equal(struct berth_bytes a, struct berth_bytes b);
bool berth_bytes_equal_text(struct berth_bytes a, const char *s);
/* ASCII only, for media types, header names and host names. */
bool berth_bytes_equal_nocase(struct berth_bytes a, struct berth_bytes b);
bool berth_bytes_starts_with(struct berth_bytes a, const char *prefix);
/* Compares length, then bytes; for sorted tables and ordered sets. */
int berth_bytes_compare(struct berth_bytes a, struct berth_bytes b);
/* True when it holds only printable ASCII (0x20..0x7e). */
bool berth_bytes_is_printable(struct berth_bytes a);
/* True when it is well-formed UTF-8 without NUL (RFC 3629). */
bool berth_bytes_is_utf8(struct berth_bytes a);

/* Owns its memory; {0} is the empty buffer. limit caps growth, 0 means BERTH_BUF_LIMIT_DEFAULT. */
struct berth_buf {
	uint8_t *p;
	size_t n;
	size_t cap;
	size_t limit;
};

#define BERTH_BUF_LIMIT_DEFAULT ((size_t)16 << 20) /* nothing Berth builds in memory is larger */

void berth_buf_free(struct berth_buf *buf); /* NULL and empty are fine; leaves it empty */
enum berth_err berth_buf_append(struct berth_buf *buf, const void *p, size_t n) BERTH_MUST;
enum berth_err berth_buf_append_bytes(struct berth_buf *buf, struct berth_bytes b) BERTH_MUST;
enum berth_err berth_buf_append_text(struct berth_buf *buf, const char *s) BERTH_MUST;
enum berth_err berth_buf_append_u8(struct berth_buf *buf, uint8_t v) BERTH_MUST;
enum berth_err berth_buf_append_u16(struct berth_buf *buf, uint16_t v) BERTH_MUST; /* big endian */
enum berth_err berth_buf_append_u32(struct berth_buf *buf, uint32_t v) BERTH_MUST;
enum berth_err berth_buf_append_u64(struct berth_buf *buf, uint64_t v) BERTH_MUST;
enum berth_err berth_buf_printf(struct berth_buf *buf, const char *format, ...)
	BERTH_PRINTF(2, 3) BERTH_MUST;
/* Empties it and keeps the memory. */
void berth_buf_clear(struct berth_buf *buf);

static inline struct berth_bytes
berth_buf_view(const struct berth_buf *buf)
{
	return (struct berth_bytes){buf->p, buf->n};
}

#define BERTH_BUF BERTH_CLEANUP(berth_buf_free) struct berth_buf

#endif
