/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a registrar sends the pledge on to (RFC 8995 5.6): an absolute https URI, and nothing else. */
#ifndef BERTH_PROTOCOL_BRSKI_PLEDGE_REDIRECT_H
#define BERTH_PROTOCOL_BRSKI_PLEDGE_REDIRECT_H

#include "protocol/brski/pledge.h"

#define PLEDGE_LOCATION_MAX_BYTES 1024 /* a host of 255, a path, and air */

struct pledge_redirect {
	char host[BERTH_PLEDGE_HOST_BYTES]; /* without the brackets of an IPv6 literal */
	uint16_t port;			    /* 443 when the URI names none */
	const char *path;		    /* in the arena; begins with '/' */
};
/* The whole input; user information, fragments and queries are refused. */
enum berth_err pledge_redirect_parse(struct berth_bytes location, struct berth_arena *arena,
				     struct pledge_redirect *ret, struct berth_why *why) BERTH_MUST;

#endif
