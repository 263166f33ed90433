/* SPDX-License-Identifier: BSD-2-Clause */
/* Base64 of RFC 4648 section 4, with padding. */
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

#endif
