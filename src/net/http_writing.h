/* SPDX-License-Identifier: BSD-2-Clause */
/* For net only: a reply between its header fields and its end, for those who write it in other ways than berth_http_reply. */
#ifndef BERTH_NET_HTTP_WRITING_H
#define BERTH_NET_HTTP_WRITING_H

#include <event2/buffer.h>
#include <event2/http.h>

#include "net/http.h"

struct berth_http_writing {
	struct evhttp_request *request; /* its header fields are set; evhttp_send_reply... is due */
	struct evbuffer *out;		/* of the connection */
	bool is_head;
};

/* False: the exchange has been answered or has gone. */
bool berth_http_writing_begin(struct berth_http_exchange *exchange,
			      const struct berth_http_response *response, bool close,
			      struct berth_http_writing *ret);
/* The header fields that response says; those with a line end in them are left out. */
void berth_http_fields(struct evhttp_request *request, const struct berth_http_response *response,
		       bool close);
/* After evhttp_send_reply... */
void berth_http_writing_end(struct berth_http_exchange *exchange);

#endif
