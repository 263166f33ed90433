/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MASA's audit-log reply (RFC 8995 5.8.1): which domains were given vouchers for one device.
 *
 *	{"version":1,"events":[{"date":RFC 3339,"domainID":base64,"nonce":text|null,
 *	  "assertion":"verified"|"logged"|"proximity","truncated":n?}...],
 *	 "truncation":{"nonced duplicates":n,"nonceless duplicates":n,"arbitrary":n}}
 *
 * The CDDL says numbers where the figure shows texts of digits: both are read, numbers are written.
 */
#ifndef BERTH_PROTOCOL_AUDIT_LOG_H
#define BERTH_PROTOCOL_AUDIT_LOG_H

#include "protocol/voucher/voucher.h"

#define BERTH_AUDIT_LOG_VERSION 1
#define BERTH_AUDIT_LOG_EVENTS_MAX 1024		      /* a device changes hands a few times */
#define BERTH_AUDIT_LOG_MAX_BYTES ((size_t)512 << 10) /* EVENTS_MAX times a full event */
#define BERTH_AUDIT_LOG_COUNT_MAX 1024		      /* counters stick here (RFC 8995 5.8.1) */
#define BERTH_DOMAIN_ID_MAX_BYTES 64

struct berth_audit_event {
	struct berth_wall date;
	struct berth_bytes domain_id; /* binary: SKI or SHA-256 of the SPKI (5.8.2) */
	struct berth_bytes
		nonce; /* text as written in the voucher's JSON; empty: null, a nonceless voucher */
	enum berth_assertion assertion;
	uint32_t truncated; /* older events like this one that were dropped */
};

struct berth_audit_log {
	int64_t version;
	struct berth_audit_event *events; /* as sent: the MASA's order */
	size_t event_count;
	uint32_t nonced_duplicates;
	uint32_t nonceless_duplicates;
	uint32_t arbitrary;
};

/* version is written as BERTH_AUDIT_LOG_VERSION. */
enum berth_err berth_audit_log_build(const struct berth_audit_log *log, struct berth_buf *json,
				     struct berth_why *why) BERTH_MUST;
/* json: all of the bytes. Everything in *ret lives in arena. Unknown members are ignored, missing counters are 0. */
enum berth_err berth_audit_log_parse(struct berth_bytes json, struct berth_arena *arena,
				     struct berth_audit_log *ret, struct berth_why *why) BERTH_MUST;

#endif
