/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a manufacturer's MASA is: the text of the IDevID's id-pe-masa-url extension or of a configuration key (RFC
 * 8995 2.3.2). Without a "/" it is an authority and the path is /.well-known/brski; otherwise a URI, of which scheme is
 * ignored: a MASA is asked by HTTPS and by nothing else.
 */
#ifndef BERTH_PROTOCOL_BRSKI_MASA_URL_H
#define BERTH_PROTOCOL_BRSKI_MASA_URL_H

#include "base/bytes.h"

#define BERTH_MASA_HOST_MAX 254 /* RFC 1035 2.3.4: 253 octets, and a NUL */
#define BERTH_MASA_PATH_MAX 128 /* a longer prefix has no use before "/requestvoucher" */
#define BERTH_MASA_URL_MAX 512

struct berth_masa_url {
	char host[BERTH_MASA_HOST_MAX]; /* DNS name or address, without brackets, lower case */
	uint16_t port;			/* 443 where none was given */
	char path[BERTH_MASA_PATH_MAX]; /* "/.well-known/brski", no slash at its end */
};

/* The whole input. User information, a query, a fragment, control characters and empty hosts are refused. */
enum berth_err berth_masa_url_parse(struct berth_bytes text, struct berth_masa_url *ret,
				    struct berth_why *why) BERTH_MUST;

#endif
