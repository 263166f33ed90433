/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in a stream of DPP over TCP (DPP 7.3) a body begins and ends: u32 length, big endian, then so many octets. Without I/O.
 */
#ifndef BERTH_NET_DPP_STREAM_H
#define BERTH_NET_DPP_STREAM_H

#include "base/bytes.h"
#include "base/err.h"

#define BERTH_DPP_LENGTH_BYTES 4
#define BERTH_DPP_STREAM_BODY_MAX 65535 /* larger ones other implementations drop */

/*
 * in: the first octets of what is not taken yet, as many as there are at hand. OK and *wanted > in.n: so many must be there, and
 * *body is none. OK otherwise: *body is whole, and *wanted octets were its own. LIMIT: its length; SYNTAX: neither DPP nor GAS.
 */
enum berth_err berth_dpp_stream_take(struct berth_bytes in, size_t *wanted,
				     struct berth_bytes *body, struct berth_why *why) BERTH_MUST;

#endif
