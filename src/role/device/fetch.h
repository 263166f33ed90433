/* SPDX-License-Identifier: BSD-2-Clause */
/* Revocation data about the registrar: one plain HTTP request, on a connection of its own, over in 13 s at most. */
#ifndef BERTH_ROLE_DEVICE_FETCH_H
#define BERTH_ROLE_DEVICE_FETCH_H

#include "net/http.h"
#include "net/loop.h"
#include "protocol/brski/revocation.h"

/* body: of a reply with status 200, else empty, and why where there is one. It may end the fetch. */
typedef void berth_device_fetched(void *context, struct berth_bytes body,
				  const struct berth_why *why);

struct berth_device_fetch {
	struct berth_http_client *http;
	struct berth_http_request request; /* its views are the asker's, until it is answered */
	berth_device_fetched *done;
	void *context;
};

/* *ret stays where it is until it has ended; what is asked lives as long. done may be called before this returns. */
void berth_device_fetch(struct berth_loop *loop, const struct berth_revocation *what,
			berth_device_fetched *done, void *context, struct berth_device_fetch *ret);
void berth_device_fetch_end(struct berth_device_fetch *fetch); /* a zeroed one is fine */

#endif
