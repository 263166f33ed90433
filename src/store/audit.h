/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit log that MASA and registrar both keep: every act that matters, who did it, on what,
 * chained by SHA-256 so that a changed, removed or inserted entry shows.
 *
 *	hash = SHA-256("berth-audit-1" || u64 seq || i64 time || v16 actor || v16 event || v16
 * subject || v32 detail || prev)
 *
 * with v16/v32 big-endian length-prefixed; prev of the first entry is 32 zero bytes. The chain
 * alone cannot show a cut tail: the witness file keeps the newest (seq, hash) outside the database,
 * written after each commit; verify compares.
 *
 * The record goes in before its effect: append in the transaction that also holds the intent.
 */
#ifndef BERTH_STORE_AUDIT_H
#define BERTH_STORE_AUDIT_H

#include "model/event.h"
#include "store/store.h"

#define BERTH_AUDIT_ACTOR_MAX 128
#define BERTH_AUDIT_SUBJECT_MAX 256
#define BERTH_AUDIT_DETAIL_MAX 65536 /* a decision trace fits */

struct berth_audit_entry {
	int64_t seq; /* from 1, without gaps; set by append */
	struct berth_wall at;
	struct berth_bytes actor;	  /* "judge", "operator:anna", "device:3f9a…-CAM-1" */
	struct berth_bytes event;	  /* berth_event_name */
	struct berth_bytes subject;	  /* what it is about: device id, domainID, serial */
	struct berth_bytes detail;	  /* JSON object or empty */
	uint8_t hash[BERTH_DIGEST_BYTES]; /* set by append */
};

enum berth_err berth_audit_append(struct berth_store *store, struct berth_wall at,
				  const char *actor, enum berth_event_kind event,
				  const char *subject, struct berth_bytes detail,
				  struct berth_why *why) BERTH_MUST;

/* From seq (1: all), in order; views live until visit returns; false stops. */
typedef bool berth_audit_visit(void *context, const struct berth_audit_entry *entry);
enum berth_err berth_audit_each(struct berth_store *store, int64_t from_seq,
				berth_audit_visit *visit, void *context,
				struct berth_why *why) BERTH_MUST;

struct berth_audit_report {
	int64_t entries;    /* that were read and hold */
	int64_t broken_seq; /* the first entry that does not hold; 0: none */
	bool has_witness;   /* a witness was there and agrees */
	uint8_t head[BERTH_DIGEST_BYTES];
};

/* Reads all. BERTH_E_SIGNATURE when the chain or the witness does not hold (report says where);
 * report is filled in both cases. */
enum berth_err berth_audit_verify(struct berth_store *store, struct berth_audit_report *report,
				  struct berth_why *why) BERTH_MUST;

#endif
