/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/registrar_revocation.h"

#include "store/query.h"

static enum berth_err
find_device_certificate(struct berth_store *store, struct berth_bytes issuer_key_id,
			struct berth_bytes serial, bool *ret_found, struct berth_standing *ret,
			struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT row, state, revoked_at, revocation_reason FROM certificate"
		       " WHERE issuer_key_id = ? AND serial = ?");

	berth_query_blob(&query, issuer_key_id);
	berth_query_blob(&query, serial);
	enum berth_err err = berth_query_row(&query, ret_found, why);
	if (err || !*ret_found)
		return err;
	enum berth_credential_state state =
		(enum berth_credential_state)berth_column_i64(&query, 1);
	*ret = (struct berth_standing){
		.is_known = state == BERTH_CREDENTIAL_ISSUED || state == BERTH_CREDENTIAL_REVOKED,
		.is_revoked = state == BERTH_CREDENTIAL_REVOKED,
		.partition = berth_partition_of(berth_column_i64(&query, 0)),
		.revoked_at = {berth_column_i64(&query, 2)},
		.reason = (enum berth_revocation_reason)berth_column_i64(&query, 3),
	};
	return BERTH_OK;
}

enum berth_err
berth_registrar_standing(struct berth_store *store, struct berth_bytes issuer_key_id,
			 struct berth_bytes serial, struct berth_standing *ret,
			 struct berth_why *why)
{
	bool found = false;

	*ret = (struct berth_standing){0};
	enum berth_err err =
		find_device_certificate(store, issuer_key_id, serial, &found, ret, why);
	if (err || found)
		return err;
	BERTH_QUERY query = berth_query(store, "SELECT revoked_at, revocation_reason, partition"
					       " FROM own_certificate"
					       " WHERE issuer_key_id = ? AND serial = ?");
	berth_query_blob(&query, issuer_key_id);
	berth_query_blob(&query, serial);
	err = berth_query_row(&query, &found, why);
	if (err || !found)
		return err;
	*ret = (struct berth_standing){
		.is_known = true,
		.is_revoked = berth_column_i64(&query, 0) != 0,
		.is_own = true,
		.partition = berth_column_i64(&query, 2),
		.revoked_at = {berth_column_i64(&query, 0)},
		.reason = (enum berth_revocation_reason)berth_column_i64(&query, 1),
	};
	return BERTH_OK;
}

enum berth_err
berth_registrar_last_partition(struct berth_store *store, int64_t *ret, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT (SELECT max(row) FROM certificate),"
					       " (SELECT max(partition) FROM own_certificate)");
	bool found = false;

	enum berth_err err = berth_query_row(&query, &found, why);
	if (err)
		return err;
	int64_t row = berth_column_i64(&query, 0);
	*ret = row == 0 ? 0 : berth_partition_of(row);
	if (berth_column_i64(&query, 1) > *ret)
		*ret = berth_column_i64(&query, 1);
	return BERTH_OK;
}

enum berth_err
berth_registrar_certificate_row_in(struct berth_store *store, int64_t partition, int64_t *ret,
				   struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT max(row) FROM certificate");
	bool found = false;

	*ret = 0;
	enum berth_err err = berth_query_row(&query, &found, why);
	if (err || partition < 1)
		return err;
	int64_t row = berth_column_i64(&query, 0) + 1;
	int64_t first = (partition - 1) * BERTH_PARTITION_CERTIFICATES;
	if (row < first)
		row = first;
	if (berth_partition_of(row) == partition)
		*ret = row;
	return BERTH_OK;
}

static enum berth_err
visit_rows(struct berth_query *query, berth_visit_revoked *visit, void *context, bool *goes_on,
	   struct berth_why *why)
{
	bool row = false;

	for (;;) {
		enum berth_err err = berth_query_row(query, &row, why);
		if (err || !row)
			return err;
		const struct berth_revoked revoked = {
			.serial = berth_column_bytes(query, 0),
			.revoked_at = {berth_column_i64(query, 1)},
			.reason = (enum berth_revocation_reason)berth_column_i64(query, 2),
		};
		*goes_on = visit(context, &revoked);
		if (!*goes_on)
			return BERTH_OK;
	}
}

static enum berth_err
each_own(struct berth_store *store, struct berth_bytes issuer_key_id, int64_t partition,
	 struct berth_wall ends_after, berth_visit_revoked *visit, void *context, bool *goes_on,
	 struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT serial, revoked_at, revocation_reason"
					       " FROM own_certificate WHERE issuer_key_id = ?"
					       " AND revoked_at <> 0 AND not_after > ?"
					       " AND (?3 = -1 OR partition = ?3) ORDER BY row");

	berth_query_blob(&query, issuer_key_id);
	berth_query_i64(&query, ends_after.s);
	berth_query_i64(&query, partition);
	return visit_rows(&query, visit, context, goes_on, why);
}

enum berth_err
berth_registrar_revoked_each(struct berth_store *store, struct berth_bytes issuer_key_id,
			     int64_t partition, struct berth_wall ends_after,
			     berth_visit_revoked *visit, void *context, struct berth_why *why)
{
	bool goes_on = true;
	enum berth_err err = each_own(store, issuer_key_id, partition, ends_after, visit, context,
				      &goes_on, why);

	if (err || !goes_on || partition == BERTH_PARTITION_OWN)
		return err;
	bool is_all = partition == BERTH_PARTITION_ALL;
	int64_t first = is_all ? 0 : (partition - 1) * BERTH_PARTITION_CERTIFICATES;
	BERTH_QUERY query =
		berth_query(store, "SELECT serial, revoked_at, revocation_reason FROM certificate"
				   " WHERE state = 3 AND row >= ? AND row < ? AND issuer_key_id = ?"
				   " AND not_after > ? ORDER BY row");
	berth_query_i64(&query, first);
	berth_query_i64(&query, is_all ? INT64_MAX : first + BERTH_PARTITION_CERTIFICATES);
	berth_query_blob(&query, issuer_key_id);
	berth_query_i64(&query, ends_after.s);
	return visit_rows(&query, visit, context, &goes_on, why);
}

enum berth_err
berth_registrar_own_seen(struct berth_store *store, const struct berth_credential *credential,
			 int64_t partition, struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = berth_credential_check(credential, why);
	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO own_certificate (issuer_key_id, serial, subject, not_after,"
		       " first_seen, partition) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING");
	berth_query_blob(&query, credential->issuer_key_id);
	berth_query_blob(&query, credential->serial);
	berth_query_text(&query, credential->subject);
	berth_query_i64(&query, credential->not_after.s);
	berth_query_i64(&query, now.s);
	berth_query_i64(&query, partition);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_own_revoke(struct berth_store *store, struct berth_bytes issuer_key_id,
			   struct berth_bytes serial, enum berth_revocation_reason reason,
			   struct berth_wall now, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "UPDATE own_certificate SET"
		       " revocation_reason = iif(revoked_at = 0, ?1, revocation_reason),"
		       " revoked_at = iif(revoked_at = 0, ?2, revoked_at)"
		       " WHERE issuer_key_id = ?3 AND serial = ?4");
	berth_query_i64(&query, reason);
	berth_query_i64(&query, now.s);
	berth_query_blob(&query, issuer_key_id);
	berth_query_blob(&query, serial);
	err = berth_query_run(&query, why);
	if (err || berth_query_changed(store))
		return err;
	return berth_fail(why, BERTH_E_NOT_FOUND, "certificate-unknown", NULL,
			  "there is no such certificate");
}
