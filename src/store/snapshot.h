/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A store as of one moment, for a backup: taken beside the judge that goes on writing, whole, and without making it wait
 * (readers of a WAL do not block its writer). Afterwards the copy is judged before anything relies on it.
 */
#ifndef BERTH_STORE_SNAPSHOT_H
#define BERTH_STORE_SNAPSHOT_H

#include "store/audit.h"

/* store is open, for reading too; path is not there yet. Mode 0600, durable. */
enum berth_err berth_store_snapshot(struct berth_store *store, const char *path,
				    struct berth_why *why) BERTH_MUST;
/* The pages fit together, references lead somewhere, and the audit chain holds. SIGNATURE, SYNTAX. */
enum berth_err berth_store_check(struct berth_store *store, struct berth_audit_report *report,
				 struct berth_why *why) BERTH_MUST;

/* What a witness file says, without a store; *ret_seq 0: it is not there or empty. */
enum berth_err berth_audit_witness_peek(const char *path, int64_t *ret_seq,
					uint8_t hash[BERTH_DIGEST_BYTES],
					struct berth_why *why) BERTH_MUST;
/*
 * The store's own log at seq: SIGNATURE when it has no such entry (older than its witness) or another one (another history).
 */
enum berth_err berth_audit_has(struct berth_store *store, int64_t seq,
			       const uint8_t hash[BERTH_DIGEST_BYTES],
			       struct berth_why *why) BERTH_MUST;

#endif
