/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads an HTTP/1.1 response (RFC 9112) from bytes; pure. Only what our client needs, strict: no obsolete line folding, no
 * bare LF, one framing only. Why not evhttp's client: docs/decisions (it cannot say who the peer is before the
 * request is built, and it reconnects by itself).
 */
#ifndef BERTH_NET_HTTP_RESPONSE_H
#define BERTH_NET_HTTP_RESPONSE_H

#include "base/bytes.h"

#define BERTH_HTTP_HEAD_MAX 16384 /* as we take from clients */
#define BERTH_HTTP_FIELDS_MAX 64
#define BERTH_HTTP_CHUNK_LINE_MAX 256 /* size and extensions, which are passed over */

enum berth_http_framing { BERTH_HTTP_BY_LENGTH, BERTH_HTTP_BY_CHUNKS, BERTH_HTTP_BY_CLOSE };

struct berth_http_head {
	int status; /* 100..599 */
	enum berth_http_framing framing;
	uint64_t length; /* BY_LENGTH */
	bool close;	 /* the connection ends after this response */
	struct berth_bytes
		media_type; /* Content-Type without parameters, as sent; views into the input */
	struct berth_bytes location;
	int32_t retry_after_s; /* -1: none, or a date */
};

/* *ret_used: bytes of the head, with its empty line. BERTH_E_PENDING: more bytes are needed. */
enum berth_err berth_http_head_parse(struct berth_bytes in, struct berth_http_head *ret,
				     size_t *ret_used, struct berth_why *why) BERTH_MUST;

/*
 * The line that begins a chunk: *ret_size 0 is the last chunk. *ret_used: bytes of the line. For all chunks but the first the
 * caller has taken the CRLF that ends the data before.
 */
enum berth_err berth_http_chunk_parse(struct berth_bytes in, uint64_t *ret_size, size_t *ret_used,
				      struct berth_why *why) BERTH_MUST;
/* The trailer section after the last chunk, passed over, with its empty line. */
enum berth_err berth_http_trailer_parse(struct berth_bytes in, size_t *ret_used,
					struct berth_why *why) BERTH_MUST;

#endif
