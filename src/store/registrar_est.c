/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/registrar_est.h"

#include "store/query.h"

#define DAY_S 86400

static enum berth_err
find(struct berth_store *store, const struct berth_registrar_est_request *wanted,
     struct berth_registrar_est_request *ret, bool *ret_found, bool *ret_same_label,
     struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT row, key_sha256, certificate, label = ? FROM est_request"
				   " WHERE device = ? AND renews = ? AND csr_sha256 = ?");

	berth_query_text(&query, wanted->label);
	berth_query_i64(&query, wanted->device);
	berth_query_i64(&query, wanted->renews);
	berth_query_digest(&query, wanted->csr_sha256);
	enum berth_err err = berth_query_row(&query, ret_found, why);
	if (err || !*ret_found)
		return err;
	*ret = *wanted;
	ret->row = berth_column_i64(&query, 0);
	berth_column_digest(&query, 1, ret->key_sha256);
	ret->certificate = berth_column_i64(&query, 2);
	*ret_same_label = berth_column_i64(&query, 3) != 0;
	return BERTH_OK;
}

static enum berth_err
check_rate(struct berth_store *store, int64_t device, struct berth_wall now, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT count(*) FROM est_request WHERE device = ? AND asked_at > ?"
		       " AND asked_at <= ?"); /* not what a clock counted that was ahead */
	bool row = false;

	berth_query_i64(&query, device);
	berth_query_i64(&query, now.s - DAY_S);
	berth_query_i64(&query, now.s);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (berth_column_i64(&query, 0) < BERTH_REGISTRAR_EST_REQUESTS_A_DAY)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_LIMIT, "est-requests-a-day", NULL,
			  "the client asked for %d certificates within a day: it must use the one "
			  "it has",
			  BERTH_REGISTRAR_EST_REQUESTS_A_DAY);
}

static enum berth_err
insert(struct berth_store *store, const struct berth_registrar_est_request *wanted,
       struct berth_wall now, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO est_request (device, renews, label, csr_sha256, key_sha256,"
		       " asked_at) VALUES (?, ?, ?, ?, ?, ?)");

	berth_query_i64(&query, wanted->device);
	berth_query_i64(&query, wanted->renews);
	berth_query_text(&query, wanted->label);
	berth_query_digest(&query, wanted->csr_sha256);
	berth_query_digest(&query, wanted->key_sha256);
	berth_query_i64(&query, now.s);
	return berth_query_run(&query, why);
}

/* A first certificate that has ended: who asks again with the same bytes needs another. */
static enum berth_err
free_ended(struct berth_store *store, struct berth_registrar_est_request *request,
	   struct berth_wall now, struct berth_why *why)
{
	if (request->renews != 0 || request->certificate == 0)
		return BERTH_OK;
	BERTH_QUERY query = berth_query(
		store, "UPDATE est_request SET certificate = 0 WHERE row = ? AND EXISTS (SELECT 1"
		       " FROM certificate WHERE certificate.row = est_request.certificate"
		       " AND state = 1 AND not_after < ?)");
	berth_query_i64(&query, request->row);
	berth_query_i64(&query, now.s);
	enum berth_err err = berth_query_run(&query, why);
	if (!err && berth_query_changed(store))
		request->certificate = 0;
	return err;
}

enum berth_err
berth_registrar_est_request_take(struct berth_store *store,
				 const struct berth_registrar_est_request *wanted,
				 struct berth_wall now, struct berth_registrar_est_request *ret,
				 struct berth_why *why)
{
	struct berth_registrar_est_request request = {0};
	bool found = false;
	bool same_label = true;
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = find(store, wanted, &request, &found, &same_label, why);
	if (!err && found && !same_label)
		return berth_fail(why, BERTH_E_MISMATCH, "est-request-label", NULL,
				  "the same request came before under another label: make a new "
				  "one");
	if (!err && !found) {
		err = check_rate(store, wanted->device, now, why);
		if (!err)
			err = insert(store, wanted, now, why);
		if (!err)
			err = find(store, wanted, &request, &found, &same_label, why);
	}
	if (!err)
		err = free_ended(store, &request, now, why);
	if (!err)
		*ret = request;
	return err;
}

enum berth_err
berth_registrar_est_request_check(struct berth_store *store,
				  const struct berth_registrar_certificate *wanted,
				  struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT 1 FROM est_request WHERE row = ? AND device = ?"
				   " AND key_sha256 = ? AND certificate = 0");
	bool row = false;

	berth_query_i64(&query, wanted->est_request);
	berth_query_i64(&query, wanted->device);
	berth_query_digest(&query, wanted->key_sha256);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err || row)
		return err;
	return berth_fail(why, BERTH_E_STATE, "est-request-taken", "RFC 7030 4.2",
			  "the request is not of this device and key, or a certificate stands "
			  "against it already");
}

enum berth_err
berth_registrar_est_request_point(struct berth_store *store, int64_t request, int64_t certificate,
				  struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "UPDATE est_request SET certificate = ? WHERE row = ?");

	berth_query_i64(&query, certificate);
	berth_query_i64(&query, request);
	return berth_query_run(&query, why);
}

enum berth_err
berth_registrar_est_request_release(struct berth_store *store, int64_t certificate,
				    struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "UPDATE est_request SET certificate = 0 WHERE certificate = ?");

	berth_query_i64(&query, certificate);
	return berth_query_run(&query, why);
}
