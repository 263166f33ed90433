/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "net/http_writing.h"

#define HEADER_VALUE_MAX 1024

static void
add_header(struct evhttp_request *request, const char *name, struct berth_bytes value)
{
	char text[HEADER_VALUE_MAX];
	if (value.n == 0 || value.n >= sizeof(text) || !berth_bytes_is_printable(value)) {
		return;
	}
	memcpy(text, value.p, value.n);
	text[value.n] = '\0';
	(void)evhttp_add_header(evhttp_request_get_output_headers(request), name, text);
}

void
berth_http_fields(struct evhttp_request *request, const struct berth_http_response *response,
		  bool close)
{
	add_header(request, "Content-Type", response->media_type);
	add_header(request, "Location", response->location);
	add_header(request, "WWW-Authenticate", response->www_authenticate);
	if (response->retry_after_s >= 0) {
		char text[16];
		(void)snprintf(text, sizeof(text), "%d", (int)response->retry_after_s);
		add_header(request, "Retry-After", berth_text(text));
	}
	if (close) {
		add_header(request, "Connection", BERTH_LIT("close"));
	}
}
