/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/query.h"

/* A statement that is still stepped by a caller further up gets a twin, outside the cache. */
static int
cached(struct berth_store *store, const char *sql, struct berth_query *query)
{
	size_t first = (uintptr_t)sql / 8; /* literals lie one after the other */

	for (size_t n = 0; n < BERTH_QUERY_CACHE_MAX; n++) {
		size_t i = (first + n) % BERTH_QUERY_CACHE_MAX;

		if (store->cache.at[i].sql == sql) {
			if (sqlite3_stmt_busy(store->cache.at[i].stmt))
				break;
			query->stmt = store->cache.at[i].stmt;
			query->is_cached = true;
			return SQLITE_OK;
		}
		if (store->cache.at[i].sql)
			continue;
		int rc = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
					    &query->stmt, NULL);
		if (rc != SQLITE_OK)
			return rc;
		store->cache.at[i].sql = sql;
		store->cache.at[i].stmt = query->stmt;
		query->is_cached = true;
		return SQLITE_OK;
	}
	return sqlite3_prepare_v2(store->db, sql, -1, &query->stmt, NULL);
}

struct berth_query
berth_query(struct berth_store *store, const char *sql)
{
	struct berth_query query = {.store = store};

	query.rc = cached(store, sql, &query);
	return query;
}

void
berth_query_close(struct berth_query *query)
{
	if (!query->stmt)
		return;
	if (query->is_cached) {
		sqlite3_reset(query->stmt);
		sqlite3_clear_bindings(query->stmt);
	}
	if (!query->is_cached)
		sqlite3_finalize(query->stmt);
	query->stmt = NULL;
}

static void
note(struct berth_query *query, int rc)
{
	if (query->rc == SQLITE_OK)
		query->rc = rc;
}

void
berth_query_i64(struct berth_query *query, int64_t value)
{
	if (query->rc == SQLITE_OK)
		note(query, sqlite3_bind_int64(query->stmt, ++query->at, value));
}

/* An empty view is an empty value, never NULL: NULLs do not compare. */
static const void *
never_null(struct berth_bytes value)
{
	return value.p ? (const void *)value.p : "";
}

void
berth_query_blob(struct berth_query *query, struct berth_bytes value)
{
	if (query->rc == SQLITE_OK)
		note(query, sqlite3_bind_blob64(query->stmt, ++query->at, never_null(value),
						value.n, SQLITE_STATIC));
}

void
berth_query_text(struct berth_query *query, struct berth_bytes value)
{
	if (query->rc == SQLITE_OK)
		note(query, sqlite3_bind_text64(query->stmt, ++query->at, never_null(value),
						value.n, SQLITE_STATIC, SQLITE_UTF8));
}

void
berth_query_digest(struct berth_query *query, const uint8_t digest[BERTH_DIGEST_BYTES])
{
	berth_query_blob(query, berth_bytes_of(digest, BERTH_DIGEST_BYTES));
}

static enum berth_err
engine_fail(const struct berth_query *query, int rc, struct berth_why *why)
{
	const char *text = sqlite3_errmsg(query->store->db);

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return berth_fail(why, BERTH_E_TIMEOUT, "store-locked", NULL,
				  "another process holds the store: %s", text);
	case SQLITE_NOMEM:
		return berth_fail(why, BERTH_E_MEMORY, "store-memory", NULL,
				  "the store is out of memory");
	case SQLITE_CONSTRAINT:
		if (rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY)
			return berth_fail(why, BERTH_E_EXISTS, "store-exists", NULL,
					  "such a row is already there: %s", text);
		return berth_fail(why, BERTH_E_INTERNAL, "store-constraint", NULL,
				  "the store refuses the row: %s", text);
	case SQLITE_FULL:
		return berth_fail(why, BERTH_E_IO, "store-full", NULL,
				  "the disk is full: make room for the store");
	default:
		return berth_fail(why, BERTH_E_IO, "store-engine", NULL,
				  "the store cannot be used: %s", text);
	}
}

enum berth_err
berth_query_row(struct berth_query *query, bool *ret_row, struct berth_why *why)
{
	int rc = query->rc;

	if (rc == SQLITE_OK)
		rc = sqlite3_step(query->stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return engine_fail(query, sqlite3_extended_errcode(query->store->db), why);
	*ret_row = rc == SQLITE_ROW;
	return BERTH_OK;
}

enum berth_err
berth_query_run(struct berth_query *query, struct berth_why *why)
{
	bool row = false;
	enum berth_err err = berth_query_row(query, &row, why);

	if (err)
		return err;
	if (row)
		return berth_fail(why, BERTH_E_INTERNAL, "store-rows", NULL,
				  "a statement without result has one");
	return BERTH_OK;
}

int64_t
berth_query_changed(const struct berth_store *store)
{
	return sqlite3_changes64(store->db);
}

int64_t
berth_column_i64(const struct berth_query *query, int column)
{
	return sqlite3_column_int64(query->stmt, column);
}

struct berth_bytes
berth_column_bytes(const struct berth_query *query, int column)
{
	const void *p = sqlite3_column_blob(query->stmt, column);

	return berth_bytes_of(p, (size_t)sqlite3_column_bytes(query->stmt, column));
}

void
berth_column_digest(const struct berth_query *query, int column, uint8_t digest[BERTH_DIGEST_BYTES])
{
	struct berth_bytes bytes = berth_column_bytes(query, column);

	memset(digest, 0, BERTH_DIGEST_BYTES);
	if (bytes.n == BERTH_DIGEST_BYTES)
		memcpy(digest, bytes.p, bytes.n);
}

void
berth_store_keep(struct berth_arena *arena, struct berth_bytes *view, bool *fits)
{
	if (*fits && view->n) {
		*view = berth_arena_copy(arena, *view);
		*fits = view->p != NULL;
	}
	if (!*fits || !view->n)
		*view = BERTH_BYTES_NONE;
}

enum berth_err
berth_store_kept(bool fits, struct berth_why *why)
{
	if (fits)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_LIMIT, "store-arena", NULL,
			  "the row does not fit the memory set aside for this exchange");
}

enum berth_err
berth_store_writes(const struct berth_store *store, struct berth_why *why)
{
	if (berth_store_in_transaction(store))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_STATE, "store-no-transaction", NULL,
			  "the store is written inside a transaction only");
}
