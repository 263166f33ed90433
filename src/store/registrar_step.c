/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/registrar_store.h"

#include "store/query.h"

static const char *const state_names[] = {
	[BERTH_STEP_ASKED] = "asked",	    [BERTH_STEP_REQUESTED] = "requested",
	[BERTH_STEP_VOUCHER] = "voucher",   [BERTH_STEP_REFUSED] = "refused",
	[BERTH_STEP_ACCEPTED] = "accepted", [BERTH_STEP_REJECTED] = "rejected",
};

const char *
berth_registrar_step_state_name(enum berth_registrar_step_state state)
{
	return state_names[state];
}

#define STEP_COLUMNS                                                                               \
	"row, device, nonce, pvr_sha256, pvr, registrar_cert_sha256, connection, masa, state,"     \
	" rvr, voucher, status, reason, audit_finding, audit_json, asked_at, changed_at"

/* As STEP_COLUMNS, without the objects. */
#define STEP_COLUMNS_FEW                                                                           \
	"row, device, nonce, pvr_sha256, NULL, registrar_cert_sha256, connection, masa, state,"    \
	" NULL, NULL, status, reason, audit_finding, NULL, asked_at, changed_at"

/* From the index alone; ordered by SQLite, each step of the device would be read and sorted with all its objects. */
#define NEWEST_OF_DEVICE "(SELECT max(row) FROM voucher_step WHERE device = ?)"

static void
read_step(const struct berth_query *query, struct berth_registrar_step *step)
{
	step->row = berth_column_i64(query, 0);
	step->device = berth_column_i64(query, 1);
	step->nonce = berth_column_bytes(query, 2);
	berth_column_digest(query, 3, step->pvr_sha256);
	step->pvr = berth_column_bytes(query, 4);
	berth_column_digest(query, 5, step->registrar_cert_sha256);
	step->connection = berth_column_bytes(query, 6);
	step->masa = berth_column_bytes(query, 7);
	step->state = (enum berth_registrar_step_state)berth_column_i64(query, 8);
	step->rvr = berth_column_bytes(query, 9);
	step->voucher = berth_column_bytes(query, 10);
	step->status = berth_column_i64(query, 11);
	step->reason = berth_column_bytes(query, 12);
	step->audit_finding = berth_column_bytes(query, 13);
	step->audit_json = berth_column_bytes(query, 14);
	step->asked_at.s = berth_column_i64(query, 15);
	step->changed_at.s = berth_column_i64(query, 16);
}

static enum berth_err
keep_step(struct berth_arena *arena, struct berth_registrar_step *step, struct berth_why *why)
{
	struct berth_bytes *const views[] = {
		&step->nonce,	&step->pvr,    &step->connection,    &step->masa,	&step->rvr,
		&step->voucher, &step->reason, &step->audit_finding, &step->audit_json,
	};
	bool fits = true;

	for (size_t i = 0; i < sizeof views / sizeof *views; i++)
		berth_store_keep(arena, views[i], &fits);
	return berth_store_kept(fits, why);
}

/* Steps a query over STEP_COLUMNS once. */
static enum berth_err
take_step(struct berth_query *query, struct berth_arena *arena, struct berth_registrar_step *ret,
	  bool *ret_found, struct berth_why *why)
{
	struct berth_registrar_step step;
	enum berth_err err = berth_query_row(query, ret_found, why);

	if (err || !*ret_found)
		return err;
	read_step(query, &step);
	err = keep_step(arena, &step, why);
	if (!err)
		*ret = step;
	return err;
}

static enum berth_err
find_same(struct berth_store *store, const struct berth_registrar_step *wanted,
	  struct berth_arena *arena, struct berth_registrar_step *ret, bool *ret_found,
	  struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " STEP_COLUMNS
					       " FROM step WHERE device = ? AND pvr_sha256 = ?");

	berth_query_i64(&query, wanted->device);
	berth_query_digest(&query, wanted->pvr_sha256);
	return take_step(&query, arena, ret, ret_found, why);
}

/* What stands beside the row, in voucher_step_object, under four times its number. */
enum object { OBJECT_PVR, OBJECT_RVR, OBJECT_VOUCHER, OBJECT_AUDIT_LOG, OBJECTS };

static enum berth_err
put_object(struct berth_store *store, int64_t step, enum object object, struct berth_bytes bytes,
	   struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "INSERT OR REPLACE INTO voucher_step_object (row, bytes) VALUES (?, ?)");

	berth_query_i64(&query, step * OBJECTS + (int64_t)object);
	berth_query_blob(&query, bytes);
	return berth_query_run(&query, why);
}

static enum berth_err
insert_step(struct berth_store *store, const struct berth_registrar_step *wanted,
	    struct berth_arena *arena, struct berth_registrar_step *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO voucher_step (device, nonce, pvr_sha256, registrar_cert_sha256,"
		       " connection, masa, asked_at, changed_at)"
		       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)");

	berth_query_i64(&query, wanted->device);
	berth_query_blob(&query, wanted->nonce);
	berth_query_digest(&query, wanted->pvr_sha256);
	berth_query_digest(&query, wanted->registrar_cert_sha256);
	berth_query_text(&query, wanted->connection);
	berth_query_text(&query, wanted->masa);
	berth_query_i64(&query, wanted->asked_at.s);
	enum berth_err err = berth_query_run(&query, why);
	if (err)
		return err;
	*ret = (struct berth_registrar_step){
		.row = sqlite3_last_insert_rowid(store->db),
		.device = wanted->device,
		.nonce = wanted->nonce,
		.pvr = wanted->pvr,
		.connection = wanted->connection,
		.masa = wanted->masa,
		.asked_at = wanted->asked_at,
		.changed_at = wanted->asked_at,
	};
	memcpy(ret->pvr_sha256, wanted->pvr_sha256, sizeof ret->pvr_sha256);
	memcpy(ret->registrar_cert_sha256, wanted->registrar_cert_sha256,
	       sizeof ret->registrar_cert_sha256);
	err = keep_step(arena, ret, why);
	return err ? err : put_object(store, ret->row, OBJECT_PVR, wanted->pvr, why);
}

enum berth_err
berth_registrar_step_begin(struct berth_store *store, const struct berth_registrar_step *wanted,
			   struct berth_arena *arena, struct berth_registrar_step *ret,
			   bool *ret_is_new, struct berth_why *why)
{
	struct berth_registrar_step step;
	bool found = false;
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = find_same(store, wanted, arena, &step, &found, why);
	if (err)
		return err;
	bool is_new = !found;
	if (is_new)
		err = insert_step(store, wanted, arena, &step, why);
	if (err)
		return err;
	*ret = step;
	*ret_is_new = is_new;
	return BERTH_OK;
}

static enum berth_err
step_unknown(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_NOT_FOUND, "voucher-step-unknown", NULL,
			  "the device has not asked for a voucher");
}

enum berth_err
berth_registrar_step_get(struct berth_store *store, int64_t row, struct berth_arena *arena,
			 struct berth_registrar_step *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " STEP_COLUMNS " FROM step WHERE row = ?");
	bool found = false;

	berth_query_i64(&query, row);
	enum berth_err err = take_step(&query, arena, ret, &found, why);
	return err || found ? err : step_unknown(why);
}

enum berth_err
berth_registrar_step_latest(struct berth_store *store, int64_t device, struct berth_arena *arena,
			    struct berth_registrar_step *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " STEP_COLUMNS
					       " FROM step WHERE row = " NEWEST_OF_DEVICE);
	bool found = false;

	berth_query_i64(&query, device);
	enum berth_err err = take_step(&query, arena, ret, &found, why);
	return err || found ? err : step_unknown(why);
}

enum berth_err
berth_registrar_step_peek(struct berth_store *store, int64_t row, struct berth_arena *arena,
			  struct berth_registrar_step *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " STEP_COLUMNS_FEW " FROM voucher_step WHERE row = ?");
	bool found = false;

	berth_query_i64(&query, row);
	enum berth_err err = take_step(&query, arena, ret, &found, why);
	return err || found ? err : step_unknown(why);
}

enum berth_err
berth_registrar_step_peek_latest(struct berth_store *store, int64_t device,
				 struct berth_arena *arena, struct berth_registrar_step *ret,
				 struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " STEP_COLUMNS_FEW
					       " FROM voucher_step WHERE row = " NEWEST_OF_DEVICE);
	bool found = false;

	berth_query_i64(&query, device);
	enum berth_err err = take_step(&query, arena, ret, &found, why);
	return err || found ? err : step_unknown(why);
}

enum berth_err
berth_registrar_step_rvr(struct berth_store *store, int64_t row, struct berth_arena *arena,
			 struct berth_bytes *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT bytes FROM voucher_step_object WHERE row = ?");
	bool found = false;
	bool fits = true;

	berth_query_i64(&query, row * OBJECTS + OBJECT_RVR);
	enum berth_err err = berth_query_row(&query, &found, why);
	if (err)
		return err;
	*ret = found ? berth_column_bytes(&query, 0) : BERTH_BYTES_NONE;
	berth_store_keep(arena, ret, &fits);
	return berth_store_kept(fits, why);
}

/* After an UPDATE that names the states it may start from. */
static enum berth_err
must_have_changed(const struct berth_store *store, int64_t row, const char *to,
		  struct berth_why *why)
{
	if (berth_query_changed(store))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_STATE, "voucher-step-state", NULL,
			  "voucher step %lld does not exist or cannot become %s any more",
			  (long long)row, to);
}

enum berth_err
berth_registrar_step_set_rvr(struct berth_store *store, int64_t row, struct berth_bytes rvr,
			     struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "UPDATE voucher_step SET state = 1, changed_at = ?"
					       " WHERE row = ? AND state IN (0, 1)");
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, row);
	err = berth_query_run(&query, why);
	err = err ? err : must_have_changed(store, row, "requested", why);
	return err ? err : put_object(store, row, OBJECT_RVR, rvr, why);
}

enum berth_err
berth_registrar_step_set_voucher(struct berth_store *store, int64_t row, struct berth_bytes voucher,
				 struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "UPDATE voucher_step SET state = 2, changed_at = ?"
					       " WHERE row = ? AND state = 1");
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, row);
	err = berth_query_run(&query, why);
	err = err ? err : must_have_changed(store, row, "voucher", why);
	return err ? err : put_object(store, row, OBJECT_VOUCHER, voucher, why);
}

enum berth_err
berth_registrar_step_refuse(struct berth_store *store, int64_t row, int64_t status,
			    const char *reason, struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "UPDATE voucher_step SET state = 3, status = ?, reason = ?,"
				   " changed_at = ? WHERE row = ? AND state IN (0, 1)");
	berth_query_i64(&query, status);
	berth_query_text(&query, berth_text(reason));
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, row);
	err = berth_query_run(&query, why);
	return err ? err : must_have_changed(store, row, "refused", why);
}

enum berth_err
berth_registrar_step_set_status(struct berth_store *store, int64_t row, bool accepted,
				const char *reason, struct berth_wall now, struct berth_why *why)
{
	enum berth_registrar_step_state to = accepted ? BERTH_STEP_ACCEPTED : BERTH_STEP_REJECTED;
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	/* The device may say the same again; it may not change its mind. */
	BERTH_QUERY query = berth_query(
		store, "UPDATE voucher_step SET state = ?1, reason = ?2, changed_at = ?3"
		       " WHERE row = ?4 AND state IN (2, ?1)");
	berth_query_i64(&query, to);
	berth_query_text(&query, berth_text(reason));
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, row);
	err = berth_query_run(&query, why);
	return err ? err : must_have_changed(store, row, state_names[to], why);
}

enum berth_err
berth_registrar_step_set_audit(struct berth_store *store, int64_t row, const char *finding,
			       struct berth_bytes json, struct berth_wall now,
			       struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, "UPDATE voucher_step SET audit_finding = ?,"
					       " changed_at = ? WHERE row = ?");
	berth_query_text(&query, berth_text(finding));
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, row);
	err = berth_query_run(&query, why);
	if (!err && !berth_query_changed(store))
		err = step_unknown(why);
	return err ? err : put_object(store, row, OBJECT_AUDIT_LOG, json, why);
}

enum berth_err
berth_registrar_step_each_open(struct berth_store *store, berth_registrar_visit_step *visit,
			       void *context, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " STEP_COLUMNS
					       " FROM step WHERE state = 1 ORDER BY row");
	bool row = false;

	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		struct berth_registrar_step step;
		read_step(&query, &step);
		if (!visit(context, &step))
			return BERTH_OK;
	}
}
