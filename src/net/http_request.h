/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For net only: judges a request that evhttp has read, and turns it into struct berth_http_request. evhttp lets pass
 * what RFC 9112 forbids and what makes two readers of one stream disagree (design.md 8a): that is refused here.
 */
#ifndef BERTH_NET_HTTP_REQUEST_H
#define BERTH_NET_HTTP_REQUEST_H

#include "base/message.h"

struct evhttp_request;

#define BERTH_HTTP_PATH_MAX 1024      /* the longest path we serve has 60 characters */
#define BERTH_HTTP_MEDIA_TYPE_MAX 128 /* application/voucher-cms+json has 28 */
#define BERTH_HTTP_HEADER_BYTES_MAX 16384

struct berth_http_read {
	struct berth_http_request request; /* views into evhttp's request and into this */
	char media_type[BERTH_HTTP_MEDIA_TYPE_MAX];
	char *path; /* owned */
	bool is_head;
};

/* On refusal *ret_status is the reply's; the connection must then be closed. */
enum berth_err berth_http_read(struct evhttp_request *from, struct berth_http_read *ret,
			       int *ret_status, struct berth_why *why) BERTH_MUST;
void berth_http_read_free(struct berth_http_read *read);

#endif
