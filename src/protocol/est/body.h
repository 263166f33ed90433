/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EST's base64 bodies (RFC 7030 4, RFC 8951 3.1). A receiver takes any layout. For a reply the layout matters to
 * real clients: some read only one line, others only wrapped lines; so a reply mirrors the layout of the
 * client's own request, and a GET is judged by its User-Agent (libest reads wrapped lines only).
 */
#ifndef BERTH_PROTOCOL_EST_BODY_H
#define BERTH_PROTOCOL_EST_BODY_H

#include "base/message.h"

enum berth_est_layout {
	BERTH_EST_LAYOUT_AUTO,	  /* mirror the client; in a configuration only */
	BERTH_EST_LAYOUT_LINE,	  /* one line, without a line end */
	BERTH_EST_LAYOUT_WRAPPED, /* lines of 64 characters */
};

#define BERTH_EST_REQUEST_BODY_MAX_BYTES 32768 /* a PKCS#10 request of 16 KiB in wrapped base64 */

/* wish AUTO: what this request asks for by its own shape; else wish. Never AUTO. */
enum berth_est_layout berth_est_layout_for(const struct berth_http_request *request,
					   enum berth_est_layout wish);
/* Base64 in any layout; raw DER is refused by name (rfc8951-3.1-not-base64). */
enum berth_err berth_est_body_decode(struct berth_bytes body, struct berth_buf *der,
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_est_body_encode(struct berth_bytes der, enum berth_est_layout layout,
				     struct berth_buf *body) BERTH_MUST;

#endif
