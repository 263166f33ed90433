/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/body.h"

#include "base/base64.h"

#define LINE_LENGTH 64 /* RFC 7468 2: what wrapping clients write and read */

/* A line end that is followed by more text: not just the one at the end of a single line. */
static bool
is_wrapped(struct berth_bytes body)
{
	const uint8_t *end = body.n == 0 ? NULL : memchr(body.p, '\n', body.n);
	if (end == NULL)
		return false;
	for (const uint8_t *p = end + 1; p < body.p + body.n; p++)
		if (*p > ' ')
			return true;
	return false;
}

enum berth_est_layout
berth_est_layout_for(const struct berth_http_request *request, enum berth_est_layout wish)
{
	if (wish != BERTH_EST_LAYOUT_AUTO)
		return wish;
	bool wrapped = request->body.n > 0 ? is_wrapped(request->body)
					   : berth_bytes_starts_with(request->user_agent, "libest");
	return wrapped ? BERTH_EST_LAYOUT_WRAPPED : BERTH_EST_LAYOUT_LINE;
}

/* No header is asked whether this is base64. */
/* req: rfc8951-3.1-white-space, rfc8951-3.1-base64, rfc8951-3.1-transfer-encoding */
enum berth_err
berth_est_body_decode(struct berth_bytes body, struct berth_buf *der, struct berth_why *why)
{
	if (body.n == 0 || body.n > BERTH_EST_REQUEST_BODY_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "rfc7030-4-body-size", "RFC 7030 4",
				  "the EST body is empty or larger than %d bytes",
				  BERTH_EST_REQUEST_BODY_MAX_BYTES);
	if (body.p[0] == 0x30 && body.n > 1 && body.p[1] >= 0x80)
		return berth_fail(
			why, BERTH_E_SYNTAX, "rfc8951-3.1-not-base64", "RFC 8951 3.1",
			"the body is raw DER; EST bodies are base64: encode it and send it again");
	return berth_base64_decode(body, true, der, why);
}

enum berth_err
berth_est_body_encode(struct berth_bytes der, enum berth_est_layout layout, struct berth_buf *body)
{
	return berth_base64_encode(der, layout == BERTH_EST_LAYOUT_WRAPPED ? LINE_LENGTH : 0, body);
}
