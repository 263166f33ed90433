/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CBOR (RFC 8949), as much as protocols of ours need, without a tree in memory: a reader that walks over bytes once, and a
 * writer that appends to a buffer in the deterministic encoding of RFC 8949 4.2.1. Indefinite lengths are refused: none
 * of our protocols needs one, and a length that is known first can be held against a limit first.
 *
 * The reader is sticky like a cursor: after the first failure everything reads as nothing, and berth_cbor_end tells.
 *
 *	struct berth_cbor c = berth_cbor(input);
 *	size_t n = berth_cbor_array(&c, ITEMS_MAX);
 *	uint64_t kind = berth_cbor_uint(&c, UINT32_MAX);
 *	struct berth_bytes address = berth_cbor_bytes(&c, 16);
 *	return berth_cbor_end(&c, "grasp-flood", why);
 *
 * What a person or a protocol must not see twice (duplicate map keys, two encodings of one number) is the business of
 * berth_cbor_check with is_deterministic.
 */
#ifndef BERTH_CODEC_CBOR_H
#define BERTH_CODEC_CBOR_H

#include "base/bytes.h"

#define BERTH_CBOR_DEPTH_MAX                                                                       \
	16 /* arrays, maps and tags inside one another; ours have at most six */

enum berth_cbor_kind {
	BERTH_CBOR_UINT,
	BERTH_CBOR_NEGATIVE,
	BERTH_CBOR_BYTES,
	BERTH_CBOR_TEXT,
	BERTH_CBOR_ARRAY,
	BERTH_CBOR_MAP,
	BERTH_CBOR_TAG,
	BERTH_CBOR_BOOL,
	BERTH_CBOR_NULL,
	BERTH_CBOR_SIMPLE, /* undefined, and values that nobody has given a meaning */
	BERTH_CBOR_FLOAT,
	BERTH_CBOR_NONE /* nothing left, or the reader has failed */
};

struct berth_cbor {
	struct berth_bytes in;
	size_t at;
	enum berth_err err; /* the first failure; sticky */
	const char *what;   /* of it, for the sentence */
};

struct berth_cbor berth_cbor(struct berth_bytes in);
size_t berth_cbor_left(const struct berth_cbor *c);
/* The kind of the next item; reads nothing. */
enum berth_cbor_kind berth_cbor_peek(const struct berth_cbor *c);

/* Each takes the next item, which must be of that kind and within the limit (BERTH_E_LIMIT). */
uint64_t berth_cbor_uint(struct berth_cbor *c, uint64_t max);
int64_t berth_cbor_int(struct berth_cbor *c); /* BERTH_E_LIMIT beyond 64 bits */
struct berth_bytes berth_cbor_bytes(struct berth_cbor *c, size_t max);
struct berth_bytes berth_cbor_text(struct berth_cbor *c, size_t max); /* UTF-8 without NUL */
size_t berth_cbor_array(struct berth_cbor *c, size_t max);	      /* how many items follow */
size_t berth_cbor_map(struct berth_cbor *c, size_t max);	      /* how many pairs follow */
uint64_t berth_cbor_tag(struct berth_cbor *c);			      /* what it tags follows */
bool berth_cbor_bool(struct berth_cbor *c);
void berth_cbor_null(struct berth_cbor *c);
/* Passes over one whole item, whatever it is, and gives its bytes. BERTH_E_LIMIT below BERTH_CBOR_DEPTH_MAX. */
struct berth_bytes berth_cbor_skip(struct berth_cbor *c);
/* The caller's own objection, at this place: sticky like the others. */
void berth_cbor_refuse(struct berth_cbor *c, enum berth_err err, const char *what);
/* BERTH_OK when nothing failed and nothing is left; else fills why with rule and the offset. */
enum berth_err berth_cbor_end(const struct berth_cbor *c, const char *rule,
			      struct berth_why *why) BERTH_MUST;

/*
 * One well-formed item and nothing after it. is_deterministic: also in the encoding of RFC 8949 4.2.1, which has one form
 * for everything: shortest lengths, map keys sorted by their bytes and none twice.
 */
enum berth_err berth_cbor_check(struct berth_bytes in, bool is_deterministic,
				struct berth_why *why) BERTH_MUST;

/* The writers; always the shortest form. After an array(n), n items; after a map(n), n pairs with keys in order. */
enum berth_err berth_cbor_put_uint(struct berth_buf *buf, uint64_t v) BERTH_MUST;
enum berth_err berth_cbor_put_int(struct berth_buf *buf, int64_t v) BERTH_MUST;
enum berth_err berth_cbor_put_bytes(struct berth_buf *buf, struct berth_bytes b) BERTH_MUST;
enum berth_err berth_cbor_put_text(struct berth_buf *buf, struct berth_bytes utf8) BERTH_MUST;
enum berth_err berth_cbor_put_array(struct berth_buf *buf, size_t n) BERTH_MUST;
enum berth_err berth_cbor_put_map(struct berth_buf *buf, size_t n) BERTH_MUST;
enum berth_err berth_cbor_put_tag(struct berth_buf *buf, uint64_t tag) BERTH_MUST;
enum berth_err berth_cbor_put_bool(struct berth_buf *buf, bool v) BERTH_MUST;
enum berth_err berth_cbor_put_null(struct berth_buf *buf) BERTH_MUST;

#endif
