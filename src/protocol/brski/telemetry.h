/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pledge's two telemetry messages (RFC 8995 5.7 voucher_status, 5.9.4 enrollstatus): one JSON shape,
 * two endpoints. {"version":1,"status":bool,"reason":text?,"reason-context":{...}?}
 *
 * They come from devices that are not trusted yet: everything in them is for logs and people only. Unknown members
 * are tolerated and listed, so that the registrar can log them (checklist 28).
 */
#ifndef BERTH_PROTOCOL_TELEMETRY_H
#define BERTH_PROTOCOL_TELEMETRY_H

#include "base/arena.h"

#define BERTH_MEDIA_JSON "application/json"
#define BERTH_TELEMETRY_VERSION 1
#define BERTH_TELEMETRY_MAX_BYTES 8192 /* a status and a sentence; more is abuse */
#define BERTH_TELEMETRY_REASON_MAX 1024
#define BERTH_TELEMETRY_UNKNOWN_MAX 16 /* names listed; the rest is only counted */

struct berth_telemetry {
	int64_t version;	   /* above BERTH_TELEMETRY_VERSION: log and alert, RFC 8995 5.7 */
	bool status;		   /* true: success */
	struct berth_bytes reason; /* UTF-8; empty: none */
	struct berth_bytes reason_context; /* JSON text of the object; empty: none */
	struct berth_bytes
		unknown[BERTH_TELEMETRY_UNKNOWN_MAX]; /* names of members we do not know */
	size_t unknown_count;			      /* may be larger than the array */
};

/* Compact JSON: version 1, status, and reason and reason_context where given. unknown is ignored. */
enum berth_err berth_telemetry_build(const struct berth_telemetry *telemetry,
				     struct berth_buf *json, struct berth_why *why) BERTH_MUST;
/*
 * json: all of the bytes. Views in *ret live in arena. version may be a number or, as RFC 8995's figures print it, a
 * text of digits; status must be a boolean.
 */
enum berth_err berth_telemetry_parse(struct berth_bytes json, struct berth_arena *arena,
				     struct berth_telemetry *ret, struct berth_why *why) BERTH_MUST;

#endif
