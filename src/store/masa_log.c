/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/masa_log.h"

#include "store/query.h"

static enum berth_err
count(struct berth_store *store, int64_t unit, int64_t *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT count(*) FROM log WHERE unit = ?");
	bool row = false;

	berth_query_i64(&query, unit);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (!err)
		*ret = row ? berth_column_i64(&query, 0) : 0;
	return err;
}

/*
 * The oldest entry of a kind (with or without nonce) that a newer one of the same domain and kind makes
 * superfluous, and the next newer one; 0 when there is none.
 */
static enum berth_err
find_duplicate(struct berth_store *store, int64_t unit, bool is_nonced, int64_t *ret_row,
	       int64_t *ret_newer, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT a.row, (SELECT b.row FROM log b WHERE b.unit = a.unit"
		       " AND b.domain_id = a.domain_id AND b.row > a.row AND (b.nonce <> x'') = ?2"
		       " ORDER BY b.row LIMIT 1) AS newer FROM log a"
		       " WHERE a.unit = ?1 AND (a.nonce <> x'') = ?2 AND newer IS NOT NULL"
		       " ORDER BY a.row LIMIT 1");
	bool row = false;

	berth_query_i64(&query, unit);
	berth_query_i64(&query, is_nonced);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	*ret_row = row ? berth_column_i64(&query, 0) : 0;
	*ret_newer = row ? berth_column_i64(&query, 1) : 0;
	return BERTH_OK;
}

static enum berth_err
find_oldest(struct berth_store *store, int64_t unit, int64_t *ret_row, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT min(row) FROM log WHERE unit = ?");
	bool row = false;

	berth_query_i64(&query, unit);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (!err)
		*ret_row = row ? berth_column_i64(&query, 0) : 0;
	return err;
}

/* What the removed entry stood for passes to the newer one. */
static enum berth_err
inherit(struct berth_store *store, int64_t from, int64_t to, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "UPDATE log SET truncated = truncated + 1 +"
				   " (SELECT truncated FROM log WHERE row = ?) WHERE row = ?");

	berth_query_i64(&query, from);
	berth_query_i64(&query, to);
	return berth_query_run(&query, why);
}

static enum berth_err
drop(struct berth_store *store, int64_t row, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "DELETE FROM log WHERE row = ?");

	berth_query_i64(&query, row);
	return berth_query_run(&query, why);
}

enum truncation { NONCED, NONCELESS, ARBITRARY };

static enum berth_err
count_truncation(struct berth_store *store, int64_t unit, enum truncation kind,
		 struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store,
		"INSERT INTO log_truncation (unit, nonced_duplicates, nonceless_duplicates,"
		" arbitrary) VALUES (?, ?, ?, ?) ON CONFLICT (unit) DO UPDATE SET"
		" nonced_duplicates = nonced_duplicates + excluded.nonced_duplicates,"
		" nonceless_duplicates = nonceless_duplicates + excluded.nonceless_duplicates,"
		" arbitrary = arbitrary + excluded.arbitrary");

	berth_query_i64(&query, unit);
	berth_query_i64(&query, kind == NONCED);
	berth_query_i64(&query, kind == NONCELESS);
	berth_query_i64(&query, kind == ARBITRARY);
	return berth_query_run(&query, why);
}

/* RFC 8995 5.8.1: duplicates go first, since they tell the least; anything else is "arbitrary". */
/* req: rfc8995-5.8.1-j1 */
static enum berth_err
make_room(struct berth_store *store, int64_t unit, struct berth_why *why)
{
	int64_t row = 0;
	int64_t newer = 0;
	enum truncation kind = NONCED;
	enum berth_err err = find_duplicate(store, unit, true, &row, &newer, why);

	if (!err && !row) {
		kind = NONCELESS;
		err = find_duplicate(store, unit, false, &row, &newer, why);
	}
	if (!err && row)
		err = inherit(store, row, newer, why);
	if (!err && !row) {
		kind = ARBITRARY;
		err = find_oldest(store, unit, &row, why);
	}
	if (!err)
		err = drop(store, row, why);
	return err ? err : count_truncation(store, unit, kind, why);
}

static enum berth_err
insert(struct berth_store *store, int64_t unit, const struct berth_masa_log_event *event,
       struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store,
		"INSERT INTO log (unit, at, domain_id, nonce, assertion) VALUES (?, ?, ?, ?, ?)");

	berth_query_i64(&query, unit);
	berth_query_i64(&query, event->date.s);
	berth_query_blob(&query, event->domain_id);
	berth_query_blob(&query, event->nonce);
	berth_query_text(&query, event->assertion);
	return berth_query_run(&query, why);
}

enum berth_err
berth_masa_log_append(struct berth_store *store, int64_t unit,
		      const struct berth_masa_log_event *event, struct berth_why *why)
{
	int64_t n = 0;
	enum berth_err err = insert(store, unit, event, why);

	if (!err)
		err = count(store, unit, &n, why);
	if (err || n <= BERTH_MASA_LOG_EVENTS_MAX)
		return err;
	return make_room(store, unit, why);
}

static enum berth_err
read_truncation(struct berth_store *store, int64_t unit, struct berth_masa_log *log,
		struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT nonced_duplicates, nonceless_duplicates, arbitrary"
				   " FROM log_truncation WHERE unit = ?");
	bool row = false;

	berth_query_i64(&query, unit);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err || !row)
		return err;
	log->nonced_duplicates = berth_column_i64(&query, 0);
	log->nonceless_duplicates = berth_column_i64(&query, 1);
	log->arbitrary = berth_column_i64(&query, 2);
	return BERTH_OK;
}

static enum berth_err
read_events(struct berth_store *store, int64_t unit, struct berth_arena *arena,
	    struct berth_masa_log_event *events, size_t n, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT at, domain_id, nonce, assertion, truncated"
					       " FROM log WHERE unit = ? ORDER BY row DESC");
	bool row = false;
	bool fits = true;

	berth_query_i64(&query, unit);
	for (size_t i = 0; i < n; i++) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err)
			return err;
		if (!row)
			return berth_fail(why, BERTH_E_INTERNAL, "masa-log-count", NULL,
					  "the unit's log has fewer entries than counted");
		events[i].date.s = berth_column_i64(&query, 0);
		events[i].domain_id = berth_column_bytes(&query, 1);
		events[i].nonce = berth_column_bytes(&query, 2);
		events[i].assertion = berth_column_bytes(&query, 3);
		events[i].truncated = berth_column_i64(&query, 4);
		berth_store_keep(arena, &events[i].domain_id, &fits);
		berth_store_keep(arena, &events[i].nonce, &fits);
		berth_store_keep(arena, &events[i].assertion, &fits);
	}
	return berth_store_kept(fits, why);
}

enum berth_err
berth_masa_log_read(struct berth_store *store, int64_t unit, struct berth_arena *arena,
		    struct berth_masa_log *ret, struct berth_why *why)
{
	struct berth_masa_log log = {0};
	int64_t n = 0;
	enum berth_err err = count(store, unit, &n, why);

	if (!err)
		err = read_truncation(store, unit, &log, why);
	if (err)
		return err;
	log.n = (size_t)n;
	/* one more than needed: an empty log has a place too */
	struct berth_masa_log_event *events =
		berth_arena_alloc(arena, (log.n + 1) * sizeof *events);

	if (!events)
		return berth_fail(why, BERTH_E_LIMIT, "store-arena", NULL,
				  "the log does not fit the memory set aside for this exchange");
	err = read_events(store, unit, arena, events, log.n, why);
	if (err)
		return err;
	log.events = events;
	*ret = log;
	return BERTH_OK;
}
