/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/bytes.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define BUF_FIRST_CAP 64

struct berth_bytes
berth_text(const char *s)
{
	if (!s) {
		return BERTH_BYTES_NONE;
	}
	return berth_bytes_of(s, strlen(s));
}

bool
berth_bytes_equal(struct berth_bytes a, struct berth_bytes b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
berth_bytes_equal_text(struct berth_bytes a, const char *s)
{
	return berth_bytes_equal(a, berth_text(s));
}

static uint8_t
to_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

bool
berth_bytes_equal_nocase(struct berth_bytes a, struct berth_bytes b)
{
	if (a.n != b.n) {
		return false;
	}
	for (size_t i = 0; i < a.n; i++) {
		if (to_lower(a.p[i]) != to_lower(b.p[i])) {
			return false;
		}
	}
	return true;
}

bool
berth_bytes_starts_with(struct berth_bytes a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.n >= n && (n == 0 || memcmp(a.p, prefix, n) == 0);
}

int
berth_bytes_compare(struct berth_bytes a, struct berth_bytes b)
{
	if (a.n != b.n) {
		return a.n < b.n ? -1 : 1;
	}
	return a.n == 0 ? 0 : memcmp(a.p, b.p, a.n);
}

bool
berth_bytes_is_printable(struct berth_bytes a)
{
	for (size_t i = 0; i < a.n; i++) {
		if (a.p[i] < 0x20 || a.p[i] > 0x7e) {
			return false;
		}
	}
	return true;
}

/*
 * The length of the well-formed sequence at p, or 0 (RFC 3629 4). The second byte's range excludes
 * overlong forms, surrogates and what lies beyond U+10FFFF.
 */
static size_t
utf8_sequence(const uint8_t *p, size_t left)
{
	static const struct {
		uint8_t first, last, low, high;
		uint8_t n;
	} forms[] = {
		{0x01, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2},
		{0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
		{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4},
		{0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (p[0] < forms[i].first || p[0] > forms[i].last) {
			continue;
		}
		if (left < forms[i].n) {
			return 0;
		}
		if (forms[i].n > 1 && (p[1] < forms[i].low || p[1] > forms[i].high)) {
			return 0;
		}
		for (size_t k = 2; k < forms[i].n; k++) {
			if (p[k] < 0x80 || p[k] > 0xbf) {
				return 0;
			}
		}
		return forms[i].n;
	}
	return 0;
}

/* How many bytes from the front, in eights, are ASCII without NUL. */
static size_t
ascii_run(struct berth_bytes a)
{
	const uint64_t low = UINT64_C(0x0101010101010101);
	size_t at = 0;

	for (; a.n - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
		uint64_t eight;

		memcpy(&eight, a.p + at, sizeof(eight));
		/* taking one from a byte sets its high bit only when it was 0 or had it set, or lent to its neighbour */
		if (((eight | (eight - low)) & (low << 7)) != 0) {
			break;
		}
	}
	return at;
}

bool
berth_bytes_is_utf8(struct berth_bytes a)
{
	for (size_t at = ascii_run(a); at < a.n;) {
		size_t n = utf8_sequence(a.p + at, a.n - at);

		if (n == 0) {
			return false;
		}
		at += n;
	}
	return true;
}

void
berth_buf_free(struct berth_buf *buf)
{
	if (!buf) {
		return;
	}
	free(buf->p);
	*buf = (struct berth_buf){.limit = buf->limit};
}

void
berth_buf_clear(struct berth_buf *buf)
{
	buf->n = 0;
}

/* Makes room for n more bytes. */
static enum berth_err
reserve(struct berth_buf *buf, size_t n)
{
	size_t limit = buf->limit ? buf->limit : BERTH_BUF_LIMIT_DEFAULT;

	if (buf->n > limit || n > limit - buf->n) {
		return BERTH_E_LIMIT;
	}
	if (n <= buf->cap - buf->n) {
		return BERTH_OK;
	}
	size_t need = buf->n + n;
	size_t cap = buf->cap ? buf->cap : BUF_FIRST_CAP;

	while (cap < need) {
		if (cap > limit / 2) {
			cap = limit;
			break;
		}
		cap *= 2;
	}
	uint8_t *p = realloc(buf->p, cap);

	if (!p) {
		return BERTH_E_MEMORY;
	}
	buf->p = p;
	buf->cap = cap;
	return BERTH_OK;
}

enum berth_err
berth_buf_append(struct berth_buf *buf, const void *p, size_t n)
{
	if (n == 0) {
		return BERTH_OK;
	}
	enum berth_err err = reserve(buf, n);

	if (err) {
		return err;
	}
	memcpy(buf->p + buf->n, p, n);
	buf->n += n;
	return BERTH_OK;
}

enum berth_err
berth_buf_append_bytes(struct berth_buf *buf, struct berth_bytes b)
{
	return berth_buf_append(buf, b.p, b.n);
}

enum berth_err
berth_buf_append_text(struct berth_buf *buf, const char *s)
{
	return berth_buf_append(buf, s, strlen(s));
}

static enum berth_err
append_integer(struct berth_buf *buf, uint64_t v, size_t n)
{
	uint8_t wire[8];

	for (size_t i = 0; i < n; i++) {
		wire[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	}
	return berth_buf_append(buf, wire, n);
}

enum berth_err
berth_buf_append_u8(struct berth_buf *buf, uint8_t v)
{
	return append_integer(buf, v, 1);
}

enum berth_err
berth_buf_append_u16(struct berth_buf *buf, uint16_t v)
{
	return append_integer(buf, v, 2);
}

enum berth_err
berth_buf_append_u32(struct berth_buf *buf, uint32_t v)
{
	return append_integer(buf, v, 4);
}

enum berth_err
berth_buf_append_u64(struct berth_buf *buf, uint64_t v)
{
	return append_integer(buf, v, 8);
}

enum berth_err
berth_buf_printf(struct berth_buf *buf, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	int n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0) {
		return BERTH_E_INTERNAL;
	}
	/* vsnprintf also writes a NUL, which is not counted and is overwritten by what comes next
	 */
	enum berth_err err = reserve(buf, (size_t)n + 1);

	if (err) {
		return err;
	}
	va_start(ap, format);
	int written = vsnprintf((char *)buf->p + buf->n, (size_t)n + 1, format, ap);
	va_end(ap);
	assert(written == n);
	buf->n += (size_t)written;
	return BERTH_OK;
}
