/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store: typed operations, no SQL outside this folder. One handle per process, one writer (the
 * judge).
 *
 *	berth_store_begin(store)			at the batch's begin
 *	  berth_store_savepoint(store)			per request
 *	    berth_masa_*, berth_registrar_*, berth_audit_append ...
 *	  berth_store_release(store)			keep the request's writes, or
 * berth_store_rollback
 *	berth_store_commit(store)			durable (WAL, synchronous=FULL) once this returns
 * BERTH_OK
 *
 * Nothing that depends on a write may leave the process before the commit. All operations that
 * write must run inside begin/commit (BERTH_E_STATE otherwise); reads may run outside.
 *
 * Views in results live in the caller's arena. Errors: BERTH_E_NOT_FOUND, BERTH_E_EXISTS,
 * BERTH_E_MISMATCH, BERTH_E_STATE, BERTH_E_EXPIRED where an operation says so; BERTH_E_IO from the
 * engine (abort the batch); BERTH_E_TIMEOUT when another process holds the lock too long.
 */
#ifndef BERTH_STORE_STORE_H
#define BERTH_STORE_STORE_H

#include "base/arena.h"
#include "base/digest.h"
#include "base/time.h"

struct berth_store;

enum berth_store_schema { BERTH_STORE_MASA, BERTH_STORE_REGISTRAR };

struct berth_store_conf {
	const char *path; /* the file; made with mode 0600 if absent */
	enum berth_store_schema schema;
	struct berth_digest digest; /* its context outlives the store */
	int64_t busy_timeout_ms;    /* 0: BERTH_STORE_BUSY_DEFAULT_MS */
	bool read_only;		    /* for `berth audit verify` on a file at rest; no migration */
	const char *witness_path;   /* NULL; a file that keeps the audit log's head (audit.h) */
};

#define BERTH_STORE_BUSY_DEFAULT_MS 5000

/* Opens, migrates. BERTH_E_MISMATCH when the file is of another schema or of a newer Berth. */
enum berth_err berth_store_open(const struct berth_store_conf *conf, struct berth_store **ret,
				struct berth_why *why) BERTH_MUST;
void berth_store_close(
	struct berth_store *store); /* NULL is fine; an open transaction is rolled back */
void berth_store_closep(struct berth_store **store);

enum berth_err berth_store_begin(struct berth_store *store, struct berth_why *why) BERTH_MUST;
enum berth_err berth_store_commit(struct berth_store *store, struct berth_why *why) BERTH_MUST;
void berth_store_abort(struct berth_store *store); /* without a transaction: nothing */
bool berth_store_in_transaction(const struct berth_store *store);

/* One level only: a request's writes inside the batch. */
enum berth_err berth_store_savepoint(struct berth_store *store, struct berth_why *why) BERTH_MUST;
enum berth_err berth_store_release(struct berth_store *store, struct berth_why *why) BERTH_MUST;
/* Undoes the writes since the savepoint and ends it. */
enum berth_err berth_store_rollback(struct berth_store *store, struct berth_why *why) BERTH_MUST;

/* Counters for /metrics; name: static text such as "vouchers_issued_total". They survive restarts.
 */
enum berth_err berth_store_count(struct berth_store *store, const char *name, int64_t by,
				 struct berth_why *why) BERTH_MUST;
typedef bool berth_store_visit_counter(void *context, const char *name, int64_t value);
enum berth_err berth_store_counters(struct berth_store *store, berth_store_visit_counter *visit,
				    void *context, struct berth_why *why) BERTH_MUST;

#endif
