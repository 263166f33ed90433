/* SPDX-License-Identifier: BSD-2-Clause */
/* Claim codes, wrong ones counted, and the chain of custody. */
#include "store/masa_store.h"

#include "store/query.h"

/* ---- claim codes ---- */

static void
bind_claim(struct berth_query *query, int64_t unit, const struct berth_masa_claim *claim,
	   struct berth_wall now)
{
	berth_query_i64(query, unit);
	berth_query_blob(query, berth_bytes_of(claim->salt, sizeof(claim->salt)));
	berth_query_digest(query, claim->sha256);
	berth_query_i64(query, now.s);
}

enum berth_err
berth_masa_claim_load(struct berth_store *store, int64_t unit, const struct berth_masa_claim *claim,
		      struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "INSERT INTO claim_code (unit, salt, sha256, made_at)"
				   " VALUES (?, ?, ?, ?) ON CONFLICT (unit) DO NOTHING");
	bind_claim(&query, unit, claim, now);
	return berth_query_run(&query, why);
}

enum berth_err
berth_masa_claim_replace(struct berth_store *store, int64_t unit,
			 const struct berth_masa_claim *claim, struct berth_wall now,
			 struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO claim_code (unit, salt, sha256, made_at) VALUES (?, ?, ?, ?)"
		       " ON CONFLICT (unit) DO UPDATE SET salt = excluded.salt,"
		       " sha256 = excluded.sha256, made_at = excluded.made_at, used_at = NULL,"
		       " used_by = x''");
	bind_claim(&query, unit, claim, now);
	return berth_query_run(&query, why);
}

enum berth_err
berth_masa_claim_get(struct berth_store *store, int64_t unit, struct berth_masa_claim *ret,
		     struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store,
		"SELECT salt, sha256, used_at, used_by, made_at FROM claim_code WHERE unit = ?");
	bool row = false;

	berth_query_i64(&query, unit);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "claim-none", NULL,
				  "the unit has no claim code");
	*ret = (struct berth_masa_claim){0};
	struct berth_bytes salt = berth_column_bytes(&query, 0);
	memcpy(ret->salt, salt.p, salt.n < sizeof(ret->salt) ? salt.n : sizeof(ret->salt));
	berth_column_digest(&query, 1, ret->sha256);
	ret->is_used = sqlite3_column_type(query.stmt, 2) != SQLITE_NULL;
	ret->used_at.s = berth_column_i64(&query, 2);
	berth_column_digest(&query, 3, ret->used_by);
	ret->made_at.s = berth_column_i64(&query, 4);
	return BERTH_OK;
}

/* req: berth-claim-once */
enum berth_err
berth_masa_claim_use(struct berth_store *store, int64_t unit, const uint8_t by[BERTH_DIGEST_BYTES],
		     struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "UPDATE claim_code SET used_at = ?, used_by = ?"
					       " WHERE unit = ? AND used_at IS NULL");
	berth_query_i64(&query, now.s);
	berth_query_digest(&query, by);
	berth_query_i64(&query, unit);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store))
		return err;
	return berth_fail(why, BERTH_E_STATE, "berth-claim-once", NULL,
			  "the unit's claim code was used before");
}

enum berth_err
berth_masa_claim_wait(struct berth_store *store, int64_t bucket, int64_t limit,
		      struct berth_wall now, int64_t *ret_s, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store,
		"SELECT since FROM claim_attempt WHERE bucket = ? AND wrong >= ? AND since <= ?");
	bool row = false;

	berth_query_i64(&query, bucket);
	berth_query_i64(&query, limit);
	berth_query_i64(&query, now.s); /* a clock that was set back locks nobody out */
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	int64_t left = row ? berth_column_i64(&query, 0) + BERTH_MASA_CLAIM_WINDOW_S - now.s : 0;
	*ret_s = left < 0 ? 0 : left;
	return BERTH_OK;
}

enum berth_err
berth_masa_claim_wrong(struct berth_store *store, int64_t bucket, struct berth_wall now,
		       struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO claim_attempt (bucket, since, wrong) VALUES (?1, ?2, 1)"
		       " ON CONFLICT (bucket) DO UPDATE SET"
		       " wrong = iif(?2 >= since + ?3 OR ?2 < since, 1, wrong + 1),"
		       " since = iif(?2 >= since + ?3 OR ?2 < since, ?2, since)");
	berth_query_i64(&query, bucket);
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, BERTH_MASA_CLAIM_WINDOW_S);
	return berth_query_run(&query, why);
}

/* ---- custody ---- */

static enum berth_err
compare_hand(struct berth_store *store, int64_t unit, const struct berth_masa_custody *link,
	     bool *ret_is_same, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT holder_key_sha256, name FROM custody_link"
				   " WHERE unit = ? AND depth = ? AND ended_at IS NULL");
	bool row = false;

	berth_query_i64(&query, unit);
	berth_query_i64(&query, link->depth);
	enum berth_err err = berth_query_row(&query, &row, why);
	*ret_is_same = row;
	if (err || !row ||
	    berth_bytes_equal(berth_column_bytes(&query, 0), link->holder_key_sha256))
		return err;
	struct berth_bytes name = berth_column_bytes(&query, 1);
	return berth_fail(why, BERTH_E_EXISTS, "custody-fork", "berth-manifest(5)",
			  "the chain of custody forks: at link %lld a unit went to %.*s already, "
			  "not to %.*s",
			  (long long)link->depth, name.n > 64 ? 64 : (int)name.n,
			  (const char *)name.p, link->name.n > 64 ? 64 : (int)link->name.n,
			  (const char *)link->name.p);
}

/* What was released does not come back by a paper from before. */
static enum berth_err
refuse_ended(struct berth_store *store, int64_t unit, const struct berth_masa_custody *link,
	     struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT 1 FROM custody_link WHERE unit = ?"
					       " AND manifest_sha256 = ? AND ended_at IS NOT NULL");
	bool row = false;

	berth_query_i64(&query, unit);
	berth_query_blob(&query, link->manifest_sha256);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err || !row)
		return err;
	return berth_fail(
		why, BERTH_E_STATE, "custody-ended", "berth-manifest(5)",
		"by this manifest the unit went to %.*s, whose chain of custody ended: an "
		"owner released or transferred the unit since",
		link->name.n > 64 ? 64 : (int)link->name.n, (const char *)link->name.p);
}

enum berth_err
berth_masa_custody_depth(struct berth_store *store, int64_t unit, int64_t *ret,
			 struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT count(*) FROM custody_link"
					       " WHERE unit = ? AND ended_at IS NULL");
	bool row = false;

	berth_query_i64(&query, unit);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (!err)
		*ret = row ? berth_column_i64(&query, 0) : 0;
	return err;
}

enum berth_err
berth_masa_custody_add(struct berth_store *store, int64_t unit,
		       const struct berth_masa_custody *link, struct berth_wall now,
		       struct berth_why *why)
{
	bool is_same = false;
	enum berth_err err = berth_store_writes(store, why);

	err = err ? err : compare_hand(store, unit, link, &is_same, why);
	if (err || is_same)
		return err;
	err = refuse_ended(store, unit, link, why);
	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "INSERT INTO custody_link (unit, depth, holder_key_sha256, name,"
				   " manifest_sha256, loaded_at) VALUES (?, ?, ?, ?, ?, ?)");
	berth_query_i64(&query, unit);
	berth_query_i64(&query, link->depth);
	berth_query_blob(&query, link->holder_key_sha256);
	berth_query_text(&query, link->name);
	berth_query_blob(&query, link->manifest_sha256);
	berth_query_i64(&query, now.s);
	return berth_query_run(&query, why);
}

enum berth_err
berth_masa_custody_end(struct berth_store *store, int64_t unit, struct berth_wall now,
		       struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "UPDATE custody_link SET ended_at = ? WHERE unit = ? AND ended_at IS NULL");
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, unit);
	return berth_query_run(&query, why);
}

enum berth_err
berth_masa_custody_each(struct berth_store *store, int64_t unit, berth_masa_visit_custody *visit,
			void *context, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT depth, holder_key_sha256, name, manifest_sha256, loaded_at, ended_at"
		       " FROM custody_link WHERE unit = ? ORDER BY row");
	bool row = false;

	berth_query_i64(&query, unit);
	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		const struct berth_masa_custody link = {
			.depth = berth_column_i64(&query, 0),
			.holder_key_sha256 = berth_column_bytes(&query, 1),
			.name = berth_column_bytes(&query, 2),
			.manifest_sha256 = berth_column_bytes(&query, 3),
			.loaded_at.s = berth_column_i64(&query, 4),
			.has_ended = sqlite3_column_type(query.stmt, 5) != SQLITE_NULL,
			.ended_at.s = berth_column_i64(&query, 5),
		};
		if (!visit(context, &link))
			return BERTH_OK;
	}
}
