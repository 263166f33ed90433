/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gateway's stream from its registrar: it dials out, so that it works behind network address translation; asks for
 * what is newer than what it holds, and gets an answer when there is something or after half the lease. On a second
 * connection it reports what it relayed.
 */
#ifndef BERTH_ROLE_GATEWAY_STREAM_H
#define BERTH_ROLE_GATEWAY_STREAM_H

#include "net/loop.h"
#include "role/gateway/conf.h"
#include "system/log.h"

struct berth_gateway_stream;

struct berth_gateway_stream_conf {
	const struct berth_gateway_conf *settings;
	const struct berth_log *log;
	struct berth_loop *loop;
	/* May it relay? Called when that changes, never from within open. */
	void (*allowed)(void *context, bool may_proxy);
	void *context;
};

/* Opens its directory; dials once the loop runs. */
enum berth_err berth_gateway_stream_open(const struct berth_gateway_stream_conf *conf,
					 struct berth_gateway_stream **ret,
					 struct berth_why *why) BERTH_MUST;
void berth_gateway_stream_close(struct berth_gateway_stream *stream);
/* The first bytes of a connection that is relayed. */
void berth_gateway_stream_relayed(struct berth_gateway_stream *stream, struct berth_bytes head);

#endif
