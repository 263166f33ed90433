/* SPDX-License-Identifier: BSD-2-Clause */
/* What is written down about a device: decisions, approvals by operators, telemetry. */
#include "store/registrar_store.h"

#include "store/query.h"

enum berth_err
berth_registrar_decision_put(struct berth_store *store, int64_t device, int64_t step,
			     const char *about, const struct berth_decision *decision,
			     struct berth_wall now, struct berth_why *why)
{
	BERTH_BUF json = {0};
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = berth_decision_encode(decision, &json, why);
	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "INSERT INTO decision (device, step, about, outcome, at,"
				   " json) VALUES (?, ?, ?, ?, ?, ?)");
	berth_query_i64(&query, device);
	berth_query_i64(&query, step);
	berth_query_text(&query, berth_text(about));
	berth_query_i64(&query, decision->outcome);
	berth_query_i64(&query, now.s);
	berth_query_text(&query, berth_buf_view(&json));
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_decision_put_changed(struct berth_store *store, int64_t device, const char *about,
				     const struct berth_decision *decision, struct berth_wall now,
				     int64_t within_s, struct berth_why *why)
{
	BERTH_BUF json = {0};
	bool is_repeated = false;
	enum berth_err err = berth_decision_encode(decision, &json, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "SELECT row FROM (SELECT row, at, json FROM decision WHERE device = ?1"
		       " AND about = ?2 ORDER BY row DESC LIMIT 1) WHERE json = ?3 AND at > ?4");
	berth_query_i64(&query, device);
	berth_query_text(&query, berth_text(about));
	berth_query_text(&query, berth_buf_view(&json));
	berth_query_i64(&query, now.s - within_s);
	err = berth_query_row(&query, &is_repeated, why);
	return err || is_repeated
		       ? err
		       : berth_registrar_decision_put(store, device, 0, about, decision, now, why);
}

enum berth_err
berth_registrar_decision_each(struct berth_store *store, int64_t device,
			      berth_registrar_visit_decision *visit, void *context,
			      struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT row, step, about, outcome, at, json FROM decision"
				   " WHERE device = ? ORDER BY row DESC");
	bool row = false;

	berth_query_i64(&query, device);
	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		struct berth_registrar_decision decision = {
			.row = berth_column_i64(&query, 0),
			.step = berth_column_i64(&query, 1),
			.about = berth_column_bytes(&query, 2),
			.outcome = (enum berth_outcome)berth_column_i64(&query, 3),
			.at.s = berth_column_i64(&query, 4),
			.json = berth_column_bytes(&query, 5),
		};
		if (!visit(context, &decision))
			return BERTH_OK;
	}
}

/* ---- approvals ---- */

#define APPROVAL_COLUMNS                                                                           \
	"device, state, first_asked, last_asked, times_asked, summary, decided_by, decided_at,"    \
	" reason"

static void
read_approval(const struct berth_query *query, struct berth_registrar_approval *approval)
{
	approval->device = berth_column_i64(query, 0);
	approval->state = (enum berth_registrar_approval_state)berth_column_i64(query, 1);
	approval->first_asked.s = berth_column_i64(query, 2);
	approval->last_asked.s = berth_column_i64(query, 3);
	approval->times_asked = berth_column_i64(query, 4);
	approval->summary = berth_column_bytes(query, 5);
	approval->decided_by = berth_column_bytes(query, 6);
	approval->decided_at.s = berth_column_i64(query, 7);
	approval->reason = berth_column_bytes(query, 8);
}

enum berth_err
berth_registrar_pending_touch(struct berth_store *store, int64_t device, const char *summary,
			      struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	/* first_asked 0: an operator spoke before the device asked. */
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO approval (device, state, first_asked, last_asked, times_asked,"
		       " summary) VALUES (?1, 1, ?2, ?2, 1, ?3) ON CONFLICT (device) DO UPDATE SET"
		       " first_asked = iif(first_asked = 0, excluded.first_asked, first_asked),"
		       " last_asked = excluded.last_asked, times_asked = times_asked + 1,"
		       " summary = excluded.summary");
	berth_query_i64(&query, device);
	berth_query_i64(&query, now.s);
	berth_query_text(&query, berth_text(summary));
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_approval_get(struct berth_store *store, int64_t device, struct berth_arena *arena,
			     struct berth_registrar_approval *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " APPROVAL_COLUMNS " FROM approval WHERE device = ?");
	struct berth_registrar_approval approval = {.device = device};
	bool row = false;
	bool fits = true;

	berth_query_i64(&query, device);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (row)
		read_approval(&query, &approval);
	berth_store_keep(arena, &approval.summary, &fits);
	berth_store_keep(arena, &approval.decided_by, &fits);
	berth_store_keep(arena, &approval.reason, &fits);
	err = berth_store_kept(fits, why);
	if (!err)
		*ret = approval;
	return err;
}

enum berth_err
berth_registrar_approval_set(struct berth_store *store, int64_t device, bool approved,
			     const char *by, const char *reason, struct berth_wall now,
			     struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	if (!by || !*by)
		return berth_fail(why, BERTH_E_USAGE, "approval-nameless", NULL,
				  "an approval needs the name of who gives it");
	BERTH_QUERY query = berth_query(
		store,
		"INSERT INTO approval (device, state, first_asked, last_asked, times_asked,"
		" summary, decided_by, decided_at, reason) VALUES (?1, ?2, 0, 0, 0, '', ?3, ?4,"
		" ?5) ON CONFLICT (device) DO UPDATE SET state = excluded.state, decided_by ="
		" excluded.decided_by, decided_at = excluded.decided_at,"
		" reason = excluded.reason");
	berth_query_i64(&query, device);
	berth_query_i64(&query, approved ? BERTH_REGISTRAR_APPROVAL_APPROVED
					 : BERTH_REGISTRAR_APPROVAL_DENIED);
	berth_query_text(&query, berth_text(by));
	berth_query_i64(&query, now.s);
	berth_query_text(&query, berth_text(reason));
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_approval_clear(struct berth_store *store, int64_t device, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "DELETE FROM approval WHERE device = ?");
	berth_query_i64(&query, device);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_pending_each(struct berth_store *store, berth_registrar_visit_approval *visit,
			     void *context, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " APPROVAL_COLUMNS
				   " FROM approval WHERE state = 1 ORDER BY first_asked, device");
	bool row = false;

	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		struct berth_registrar_approval approval;
		read_approval(&query, &approval);
		if (!visit(context, &approval))
			return BERTH_OK;
	}
}

/* ---- telemetry ---- */

enum berth_err
berth_registrar_telemetry_put(struct berth_store *store,
			      const struct berth_registrar_telemetry *telemetry,
			      struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO telemetry (device, step, kind, ok, reason, context,"
		       " session_used_new_certificate, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
	berth_query_i64(&query, telemetry->device);
	berth_query_i64(&query, telemetry->step);
	berth_query_i64(&query, telemetry->kind);
	berth_query_i64(&query, telemetry->ok);
	berth_query_text(&query, telemetry->reason);
	berth_query_text(&query, telemetry->context);
	berth_query_i64(&query, telemetry->session_used_new_certificate);
	berth_query_i64(&query, telemetry->at.s);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_telemetry_each(struct berth_store *store, int64_t device,
			       berth_registrar_visit_telemetry *visit, void *context,
			       struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT device, step, kind, ok, reason, context,"
		       " session_used_new_certificate, at FROM telemetry WHERE device = ?"
		       " ORDER BY row DESC");
	bool row = false;

	berth_query_i64(&query, device);
	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		struct berth_registrar_telemetry telemetry = {
			.device = berth_column_i64(&query, 0),
			.step = berth_column_i64(&query, 1),
			.kind = (enum berth_telemetry_kind)berth_column_i64(&query, 2),
			.ok = berth_column_i64(&query, 3) != 0,
			.reason = berth_column_bytes(&query, 4),
			.context = berth_column_bytes(&query, 5),
			.session_used_new_certificate = berth_column_i64(&query, 6) != 0,
			.at.s = berth_column_i64(&query, 7),
		};
		if (!visit(context, &telemetry))
			return BERTH_OK;
	}
}
