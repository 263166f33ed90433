/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/registrar_campaign.h"

#include "store/query.h"

const char *
berth_campaign_state_name(enum berth_campaign_state state)
{
	static const char *const names[] = {
		[BERTH_CAMPAIGN_RUNNING] = "running",
		[BERTH_CAMPAIGN_PAUSED] = "paused",
		[BERTH_CAMPAIGN_DONE] = "done",
		[BERTH_CAMPAIGN_CANCELLED] = "cancelled",
	};
	return names[state];
}

enum berth_err
berth_campaign_begin(struct berth_store *store, const struct berth_campaign *wanted,
		     struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO campaign (state, match, rate_per_minute, total, started_at,"
		       " started_by, last_certificate) SELECT 0, ?1, ?2, count(DISTINCT c.device),"
		       " ?3, ?4, (SELECT coalesce(max(row), 0) FROM certificate)"
		       " FROM certificate c JOIN device d ON d.row = c.device"
		       " WHERE c.state = 1 AND c.not_after > ?3 AND d.serial_number GLOB ?1");
	berth_query_text(&query, wanted->match);
	berth_query_i64(&query, wanted->rate_per_minute);
	berth_query_i64(&query, wanted->started_at.s);
	berth_query_text(&query, wanted->started_by);
	err = berth_query_run(&query, why);
	if (err != BERTH_E_EXISTS)
		return err;
	return berth_fail(why, err, "campaign-exists", NULL,
			  "a campaign is running or paused; cancel it first");
}

enum berth_err
berth_campaign_latest(struct berth_store *store, struct berth_arena *arena,
		      struct berth_campaign *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT row, state, match, rate_per_minute, total, started_at,"
				   " started_by, ended_at, last_certificate FROM campaign"
				   " ORDER BY row DESC LIMIT 1");
	bool row = false;
	bool fits = true;
	enum berth_err err = berth_query_row(&query, &row, why);

	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "campaign-none", NULL,
				  "the fleet was never re-keyed");
	*ret = (struct berth_campaign){
		.row = berth_column_i64(&query, 0),
		.state = (enum berth_campaign_state)berth_column_i64(&query, 1),
		.match = berth_column_bytes(&query, 2),
		.rate_per_minute = berth_column_i64(&query, 3),
		.total = berth_column_i64(&query, 4),
		.started_at.s = berth_column_i64(&query, 5),
		.started_by = berth_column_bytes(&query, 6),
		.ended_at.s = berth_column_i64(&query, 7),
		.last_certificate = berth_column_i64(&query, 8),
	};
	berth_store_keep(arena, &ret->match, &fits);
	berth_store_keep(arena, &ret->started_by, &fits);
	return berth_store_kept(fits, why);
}

enum berth_err
berth_campaign_move(struct berth_store *store, int64_t campaign, enum berth_campaign_state to,
		    struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "UPDATE campaign SET state = ?1, ended_at = iif(?1 >= 2, ?2, 0)"
				   " WHERE row = ?3 AND state < 2");
	berth_query_i64(&query, to);
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, campaign);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store) > 0)
		return err;
	return berth_fail(why, BERTH_E_STATE, "campaign-ended", NULL, "the campaign has ended");
}

enum berth_err
berth_campaign_set_rate(struct berth_store *store, int64_t campaign, int64_t rate_per_minute,
			struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "UPDATE campaign SET rate_per_minute = ? WHERE row = ? AND state < 2");
	berth_query_i64(&query, rate_per_minute);
	berth_query_i64(&query, campaign);
	return berth_query_run(&query, why);
}

enum berth_err
berth_campaign_told_at(struct berth_store *store, int64_t campaign, int64_t device,
		       struct berth_wall *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT first_at FROM campaign_offer WHERE campaign = ? AND device = ?");
	bool row = false;

	berth_query_i64(&query, campaign);
	berth_query_i64(&query, device);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (!err)
		ret->s = row ? berth_column_i64(&query, 0) : 0;
	return err;
}

enum berth_err
berth_campaign_offer(struct berth_store *store, int64_t campaign, int64_t device,
		     struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO campaign_offer (campaign, device, first_at, times)"
		       " VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET times = times + 1");
	berth_query_i64(&query, campaign);
	berth_query_i64(&query, device);
	berth_query_i64(&query, now.s);
	return berth_query_run(&query, why);
}

/* Devices that took part when it began and hold no newer certificate; ?1 began, ?2 match, ?5 the newest certificate then. */
#define NOT_DONE                                                                                   \
	" FROM device d WHERE d.serial_number GLOB ?2"                                             \
	" AND EXISTS (SELECT 1 FROM certificate c WHERE c.device = d.row AND c.state IN (1, 3)"    \
	" AND c.row <= ?5 AND c.not_after > ?1 AND (c.state = 1 OR c.revoked_at > ?1))"            \
	" AND NOT EXISTS (SELECT 1 FROM certificate c WHERE c.device = d.row AND c.state = 1"      \
	" AND c.row > ?5)"
/* They still hold the old one; ?3 now. */
#define STILL_HOLD                                                                                 \
	" AND EXISTS (SELECT 1 FROM certificate c WHERE c.device = d.row AND c.state = 1"          \
	" AND c.row <= ?5 AND c.not_after > ?3)"

enum berth_err
berth_campaign_count(struct berth_store *store, const struct berth_campaign *campaign,
		     struct berth_wall now, struct berth_campaign_progress *ret,
		     struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT count(*), coalesce(sum(holds), 0), coalesce(sum(holds AND told), 0)"
		       " FROM (SELECT EXISTS (SELECT 1 FROM certificate c WHERE c.device = d.row"
		       " AND c.state = 1 AND c.row <= ?5 AND c.not_after > ?3) AS holds,"
		       " EXISTS (SELECT 1 FROM campaign_offer o WHERE o.campaign = ?4"
		       " AND o.device = d.row) AS told" NOT_DONE ")");
	bool row = false;

	berth_query_i64(&query, campaign->started_at.s);
	berth_query_text(&query, campaign->match);
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, campaign->row);
	berth_query_i64(&query, campaign->last_certificate);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	int64_t open = berth_column_i64(&query, 0);
	int64_t hold = berth_column_i64(&query, 1);
	*ret = (struct berth_campaign_progress){
		.done = campaign->total > open ? campaign->total - open : 0,
		.told = berth_column_i64(&query, 2),
		.gone = open - hold,
	};
	ret->waiting = hold - ret->told;
	return BERTH_OK;
}

enum berth_err
berth_campaign_each_open(struct berth_store *store, const struct berth_campaign *campaign,
			 struct berth_wall now, berth_campaign_visit_device *visit, void *context,
			 struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT id, coalesce(told.first_at, 0), coalesce(told.times, 0), last_seen"
		       " FROM (SELECT d.row AS open, d.id, d.last_seen" NOT_DONE STILL_HOLD ")"
		       " LEFT JOIN campaign_offer told ON told.campaign = ?4"
		       " AND told.device = open ORDER BY told.first_at IS NULL, told.first_at, id");
	bool row = false;

	berth_query_i64(&query, campaign->started_at.s);
	berth_query_text(&query, campaign->match);
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, campaign->row);
	berth_query_i64(&query, campaign->last_certificate);
	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		const struct berth_campaign_device device = {
			.id = berth_column_bytes(&query, 0),
			.told_at.s = berth_column_i64(&query, 1),
			.times_told = berth_column_i64(&query, 2),
			.last_seen.s = berth_column_i64(&query, 3),
		};
		if (!visit(context, &device))
			return BERTH_OK;
	}
}
