/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64 of RFC 4648: section 4 with padding, and section 5 ("base64url") without, as JOSE has it. */
#ifndef BERTH_BASE_BASE64_H
#define BERTH_BASE_BASE64_H

#include "base/bytes.h"

/* line_length 0: one line without a line end; else lines of that many characters, each ended by
 * "\n". */
enum berth_err berth_base64_encode(struct berth_bytes in, size_t line_length,
				   struct berth_buf *out) BERTH_MUST;
/*
 * Strict: padding required, unused bits zero, nothing else in the input; with white_space also
 * space, tab, CR and LF anywhere (RFC 8951 3.1).
 */
enum berth_err berth_base64_decode(struct berth_bytes in, bool white_space, struct berth_buf *out,
				   struct berth_why *why) BERTH_MUST;

/* RFC 4648 5 without padding (RFC 7515 2). */
enum berth_err berth_base64url_encode(struct berth_bytes in, struct berth_buf *out) BERTH_MUST;
/* Strict: no padding, unused bits zero, nothing else in the input. SYNTAX base64-syntax. */
enum berth_err berth_base64url_decode(struct berth_bytes in, struct berth_buf *out,
				      struct berth_why *why) BERTH_MUST;

#endif
