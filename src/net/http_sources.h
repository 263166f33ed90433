/* SPDX-License-Identifier: BSD-2-Clause */
/* For net only: how many connections one source has, so that none takes them all. */
#ifndef BERTH_NET_HTTP_SOURCES_H
#define BERTH_NET_HTTP_SOURCES_H

#include "base/bytes.h"

struct berth_http_sources;

struct berth_http_source {
	uint8_t key[16]; /* IPv4 as mapped address; IPv6 its /64; link-local whole */
};

/* Numeric text, a %scope is passed over; anything else (a Unix socket) counts as one source. */
struct berth_http_source berth_http_source_of(const char *address);
enum berth_err berth_http_sources_open(struct berth_http_sources **ret) BERTH_MUST;
void berth_http_sources_close(struct berth_http_sources *sources);
/* Counts one more, or BERTH_E_LIMIT when there are max already. */
enum berth_err berth_http_sources_add(struct berth_http_sources *sources,
				      const struct berth_http_source *source,
				      size_t max) BERTH_MUST;
void berth_http_sources_remove(struct berth_http_sources *sources,
			       const struct berth_http_source *source);

#endif
