/* SPDX-License-Identifier: BSD-2-Clause */
/* A time in which known devices need no approval of their own, and the wish that a device is configured again. */
#include "store/query.h"
#include "store/registrar_dpp.h"

enum berth_err
berth_registrar_window_close(struct berth_store *store, struct berth_wall now,
			     struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "UPDATE dpp_window SET closed_at = ?1 WHERE closed_at IS NULL");
	berth_query_i64(&query, now.s);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_window_open(struct berth_store *store, const char *by, struct berth_wall now,
			    struct berth_wall until, struct berth_why *why)
{
	enum berth_err err = berth_registrar_window_close(store, now, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO dpp_window (opened_by, opened_at, until) VALUES (?, ?, ?)");
	berth_query_text(&query, berth_text(by));
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, until.s);
	return berth_query_run(&query, why);
}

/* req: dpp-controller-window */
enum berth_err
berth_registrar_window_now(struct berth_store *store, struct berth_wall now,
			   struct berth_arena *arena, struct berth_registrar_window *ret,
			   struct berth_why *why)
{
	bool row = false;
	bool fits = true;
	/* a clock that was set back opens nothing that has not begun yet */
	BERTH_QUERY query = berth_query(
		store, "SELECT row, opened_by, opened_at, until, admitted FROM dpp_window"
		       " WHERE closed_at IS NULL AND opened_at <= ?1 AND until > ?1"
		       " ORDER BY row DESC LIMIT 1");
	berth_query_i64(&query, now.s);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_NOT_FOUND, "dpp-window", NULL,
				  "no device is let on without an approval of its own now");
	struct berth_registrar_window window = {
		.row = berth_column_i64(&query, 0),
		.opened_by = berth_column_bytes(&query, 1),
		.opened_at = {berth_column_i64(&query, 2)},
		.until = {berth_column_i64(&query, 3)},
		.admitted = berth_column_i64(&query, 4),
	};
	berth_store_keep(arena, &window.opened_by, &fits);
	err = berth_store_kept(fits, why);
	if (!err)
		*ret = window;
	return err;
}

enum berth_err
berth_registrar_window_admitted(struct berth_store *store, int64_t row, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "UPDATE dpp_window SET admitted = admitted + 1 WHERE row = ?");
	berth_query_i64(&query, row);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_dpp_renew_set(struct berth_store *store, int64_t device, const char *by,
			      struct berth_wall now, struct berth_why *why)
{
	bool row = false;
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "UPDATE dpp_key SET renew_wanted_by = ?, renew_wanted_at = ?"
				   " WHERE device = ? RETURNING device");
	berth_query_text(&query, berth_text(by));
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, device);
	err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	return row ? berth_query_row(&query, &row, why)
		   : berth_fail(why, BERTH_E_NOT_FOUND, "dpp-key-unknown", NULL,
				"the device has no DPP code here: berth device add");
}

enum berth_err
berth_registrar_dpp_renew_clear(struct berth_store *store, int64_t device, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "UPDATE dpp_key SET renew_wanted_by = NULL,"
					       " renew_wanted_at = NULL WHERE device = ?");
	berth_query_i64(&query, device);
	return berth_query_run(&query, why);
}
