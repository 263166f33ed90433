/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/dpp_stream.h"

/* The first octet of a body says what it is; the others of its head are one prefix each. */
static bool
can_be_body(struct berth_bytes body)
{
	static const uint8_t action[] = {0x09, 0x50, 0x6f, 0x9a, 0x1a, 0x01};

	if (body.p[0] == action[0])
		return body.n > sizeof(action) && memcmp(body.p, action, sizeof(action)) == 0;
	return body.p[0] >= 0x0a && body.p[0] <= 0x0d && body.n >= 2;
}

enum berth_err
berth_dpp_stream_take(struct berth_bytes in, size_t *wanted, struct berth_bytes *body,
		      struct berth_why *why)
{
	*wanted = BERTH_DPP_LENGTH_BYTES;
	*body = BERTH_BYTES_NONE;
	if (in.n < BERTH_DPP_LENGTH_BYTES)
		return BERTH_OK;
	size_t n = (size_t)in.p[0] << 24 | (size_t)in.p[1] << 16 | (size_t)in.p[2] << 8 | in.p[3];
	/* req: dpp-tcp-length */
	if (n == 0 || n > BERTH_DPP_STREAM_BODY_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "dpp-length", "DPP 7.3",
				  "a message of %zu octets, not 1 to %d", n,
				  BERTH_DPP_STREAM_BODY_MAX);
	*wanted = BERTH_DPP_LENGTH_BYTES + n;
	if (in.n < *wanted)
		return BERTH_OK;
	struct berth_bytes whole = berth_bytes_of(in.p + BERTH_DPP_LENGTH_BYTES, n);
	/* req: dpp-tcp-kind */
	if (!can_be_body(whole))
		return berth_fail(why, BERTH_E_SYNTAX, "dpp-kind", "DPP 7.3",
				  "a message that is neither DPP nor GAS");
	*body = whole;
	return BERTH_OK;
}
