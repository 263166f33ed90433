/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The audit log's newest (seq, hash) kept outside the database: one line of fixed length, written
 * over after each commit. It may lag behind (a kill between commit and write), never lead.
 */
#ifndef BERTH_STORE_AUDIT_WITNESS_H
#define BERTH_STORE_AUDIT_WITNESS_H

#include "store/store.h"

enum berth_err berth_audit_witness_open(struct berth_store *store, const char *path, bool read_only,
					struct berth_why *why) BERTH_MUST;
/* Without a witness: nothing. */
enum berth_err berth_audit_witness_write(struct berth_store *store,
					 struct berth_why *why) BERTH_MUST;
/* *ret_seq 0: there is none, or it is empty. BERTH_E_SYNTAX when it cannot be read. */
enum berth_err berth_audit_witness_read(const struct berth_store *store, int64_t *ret_seq,
					uint8_t hash[BERTH_DIGEST_BYTES],
					struct berth_why *why) BERTH_MUST;

#endif
