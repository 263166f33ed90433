/* SPDX-License-Identifier: BSD-2-Clause */
/* The Accept header (RFC 9110 12.5.1), as far as one media type is to be found in it. */
#ifndef BERTH_PROTOCOL_BRSKI_ACCEPT_H
#define BERTH_PROTOCOL_BRSKI_ACCEPT_H

#include "base/bytes.h"

/*
 * True when accept (raw header, empty: anything) admits media_type, directly or by a range; an entry with q=0 does
 * not. The most specific entry decides. What cannot be read admits nothing.
 */
bool berth_accept_has(struct berth_bytes accept, const char *media_type);

#endif
