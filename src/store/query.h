/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One statement from open to close, for the files of this folder alone. Failures stick: bind what there
 * is to bind, then look once at the result of berth_query_row or berth_query_run.
 *
 *	BERTH_QUERY q = berth_query(store, "SELECT row FROM unit WHERE serial_number = ?");
 *	berth_query_text(&q, serial);
 *	err = berth_query_row(&q, &is_there, why);
 *
 * sql must be a string literal: prepared statements are kept by its address.
 */
#ifndef BERTH_STORE_QUERY_H
#define BERTH_STORE_QUERY_H

#include <sqlite3.h>

#include "store/store.h"
#include "store/wal_vfs.h"

#define BERTH_QUERY_CACHE_MAX 128 /* more different statements than the store has */

struct berth_query_cache {
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} at[BERTH_QUERY_CACHE_MAX];
};

/* The store's inside, shared by the files of this folder. */
struct berth_store {
	sqlite3 *db;
	struct berth_wal_vfs *vfs; /* NULL: the default one */
	struct berth_digest digest;
	enum berth_store_schema schema;
	int64_t busy_timeout_ms;
	int64_t busy_since_ms;	/* monotonic, of the lock now waited for */
	int witness;		/* descriptor, -1: none */
	int64_t witness_seq;	/* what it holds */
	bool witness_is_behind; /* perhaps: a kill came between a commit and its line */
	/* The audit log's newest entry, while a transaction keeps others from adding one. */
	struct {
		bool is_known;
		int64_t seq;
		uint8_t hash[BERTH_DIGEST_BYTES];
	} head;
	bool has_savepoint;
	struct berth_query_cache cache;
};

struct berth_query {
	struct berth_store *store;
	sqlite3_stmt *stmt;
	int at; /* the last parameter bound */
	int rc;
	bool is_cached;
};

struct berth_query berth_query(struct berth_store *store, const char *sql);
void berth_query_close(struct berth_query *query);
#define BERTH_QUERY BERTH_CLEANUP(berth_query_close) struct berth_query

/* The next parameter. Views must live until close. */
void berth_query_i64(struct berth_query *query, int64_t value);
void berth_query_blob(struct berth_query *query, struct berth_bytes value);
void berth_query_text(struct berth_query *query, struct berth_bytes value);
void berth_query_digest(struct berth_query *query, const uint8_t digest[BERTH_DIGEST_BYTES]);

/* *ret_row false: no (more) rows. */
enum berth_err berth_query_row(struct berth_query *query, bool *ret_row,
			       struct berth_why *why) BERTH_MUST;
/* Runs a statement without rows. BERTH_E_EXISTS when a uniqueness rule refuses it. */
enum berth_err berth_query_run(struct berth_query *query, struct berth_why *why) BERTH_MUST;
/* Rows that the last statement of this store changed. */
int64_t berth_query_changed(const struct berth_store *store);

int64_t berth_column_i64(const struct berth_query *query, int column);
/* Lives until the next row or close. */
struct berth_bytes berth_column_bytes(const struct berth_query *query, int column);
/* Zeroes where the column holds no digest. */
void berth_column_digest(const struct berth_query *query, int column,
			 uint8_t digest[BERTH_DIGEST_BYTES]);

/*
 * Moves a view into the arena. Sticky: after the first that did not fit, *fits is false and the
 * views stay empty.
 */
void berth_store_keep(struct berth_arena *arena, struct berth_bytes *view, bool *fits);
enum berth_err berth_store_kept(bool fits, struct berth_why *why) BERTH_MUST;

/* BERTH_E_STATE outside a transaction. Every operation that writes begins with it. */
enum berth_err berth_store_writes(const struct berth_store *store,
				  struct berth_why *why) BERTH_MUST;

#endif
