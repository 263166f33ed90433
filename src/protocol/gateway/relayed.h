/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which connections a gateway has relayed, in words that its registrar can check: the ClientHello.random of each. Both
 * have seen it, network address translation between them does not change it, and who did not pass the connection on
 * cannot guess it (docs/decisions/0023-gateway-stream.md). POST /.well-known/berth/gateway/report:
 *
 *	{"relayed":["64 hex digits", …]}
 */
#ifndef BERTH_PROTOCOL_GATEWAY_RELAYED_H
#define BERTH_PROTOCOL_GATEWAY_RELAYED_H

#include "base/message.h"

#define BERTH_GATEWAY_REPORT_PATH "/.well-known/berth/gateway/report"
#define BERTH_GATEWAY_REPORT_MEDIA "application/json"
#define BERTH_GATEWAY_REPORT_MAX 64 /* connections in one; a busy gateway sends more reports */
#define BERTH_GATEWAY_REPORT_MAX_BYTES 8192
#define BERTH_GATEWAY_HELLO_BYTES                                                                  \
	43 /* of a connection's first: record, handshake, version, random */

struct berth_relayed {
	size_t count;
	uint8_t random[BERTH_GATEWAY_REPORT_MAX][BERTH_TLS_RANDOM_BYTES];
};

/* False: this is no TLS ClientHello (RFC 8446 4.1.2, 5.1). head: at least BERTH_GATEWAY_HELLO_BYTES. */
bool berth_relayed_hello(struct berth_bytes head,
			 uint8_t random[BERTH_TLS_RANDOM_BYTES]) BERTH_MUST;
enum berth_err berth_relayed_build(const struct berth_relayed *relayed, struct berth_buf *json,
				   struct berth_why *why) BERTH_MUST;
enum berth_err berth_relayed_parse(struct berth_bytes json, struct berth_relayed *ret,
				   struct berth_why *why) BERTH_MUST;

#endif
