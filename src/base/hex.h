/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BERTH_BASE_HEX_H
#define BERTH_BASE_HEX_H

#include "base/bytes.h"

/* Lower case, no separators. */
enum berth_err berth_hex_encode(struct berth_bytes in, struct berth_buf *out) BERTH_MUST;
/* Into text[cap], NUL-terminated; cap must be at least 2 * in.n + 1 (asserted). Returns text. */
const char *berth_hex_text(struct berth_bytes in, char *text, size_t cap);
/* Either case; the whole input, an even number of digits. */
enum berth_err berth_hex_decode(struct berth_bytes in, struct berth_buf *out,
				struct berth_why *why) BERTH_MUST;

#endif
