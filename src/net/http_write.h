/* SPDX-License-Identifier: BSD-2-Clause */
/* For net only: the bytes of an HTTP/1.1 request; pure. */
#ifndef BERTH_NET_HTTP_WRITE_H
#define BERTH_NET_HTTP_WRITE_H

#include "base/message.h"

struct berth_http_target {
	const char *
		host; /* an address may carry a %scope, which is not sent (RFC 6874 is for people) */
	uint16_t port; /* 0: not said */
};

/* Appends header and body. BERTH_E_USAGE, BERTH_E_SYNTAX: a part that cannot be said in HTTP (a line end, no path). */
enum berth_err berth_http_write(const struct berth_http_target *target,
				const struct berth_http_request *request,
				struct berth_buf *out) BERTH_MUST;

/* RFC 9110 15's phrase; "Status" for one that Berth does not send. */
const char *berth_http_phrase(int status);

#endif
