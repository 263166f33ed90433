/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/masa_store.h"

#include <stdio.h>

#include "base/hex.h"
#include "store/masa_log.h"
#include "store/query.h"

#define VOUCHER_COLUMNS                                                                            \
	"row, unit, domain_id, nonce, request_sha256, assertion, payload, asked_at,"               \
	" outstanding_until, state, voucher, issued_at"

static void
read_voucher(const struct berth_query *query, struct berth_masa_voucher *voucher)
{
	voucher->row = berth_column_i64(query, 0);
	voucher->unit = berth_column_i64(query, 1);
	voucher->domain_id = berth_column_bytes(query, 2);
	voucher->nonce = berth_column_bytes(query, 3);
	berth_column_digest(query, 4, voucher->request_sha256);
	voucher->assertion = berth_column_bytes(query, 5);
	voucher->payload = berth_column_bytes(query, 6);
	voucher->asked_at.s = berth_column_i64(query, 7);
	voucher->outstanding_until.s = berth_column_i64(query, 8);
	voucher->state = (enum berth_masa_voucher_state)berth_column_i64(query, 9);
	voucher->voucher = berth_column_bytes(query, 10);
	voucher->issued_at.s = berth_column_i64(query, 11);
}

static enum berth_err
keep_voucher(struct berth_arena *arena, struct berth_masa_voucher *voucher, struct berth_why *why)
{
	bool fits = true;

	berth_store_keep(arena, &voucher->domain_id, &fits);
	berth_store_keep(arena, &voucher->nonce, &fits);
	berth_store_keep(arena, &voucher->assertion, &fits);
	berth_store_keep(arena, &voucher->payload, &fits);
	berth_store_keep(arena, &voucher->voucher, &fits);
	return berth_store_kept(fits, why);
}

/* Steps a query over VOUCHER_COLUMNS once. */
static enum berth_err
take_voucher(struct berth_query *query, struct berth_arena *arena, struct berth_masa_voucher *ret,
	     bool *ret_row, struct berth_why *why)
{
	struct berth_masa_voucher voucher;
	enum berth_err err = berth_query_row(query, ret_row, why);

	if (err || !*ret_row)
		return err;
	read_voucher(query, &voucher);
	err = keep_voucher(arena, &voucher, why);
	if (!err)
		*ret = voucher;
	return err;
}

static enum berth_err
record(struct berth_store *store, const struct berth_masa_voucher *voucher, struct berth_wall at,
       const char *actor, enum berth_event_kind event, const char *reason, struct berth_why *why)
{
	char domain[2 * BERTH_DOMAIN_ID_MAX + 1];
	char request[2 * BERTH_DIGEST_BYTES + 1];
	char subject[64];
	BERTH_BUF nonce = {0};
	BERTH_BUF detail = {0};

	berth_hex_text(voucher->domain_id, domain, sizeof domain);
	berth_hex_text(berth_bytes_of(voucher->request_sha256, BERTH_DIGEST_BYTES), request,
		       sizeof request);
	snprintf(subject, sizeof subject, "unit:%lld", (long long)voucher->unit);
	enum berth_err err = berth_hex_encode(voucher->nonce, &nonce);
	if (!err)
		err = berth_buf_printf(
			&detail,
			"{\"voucher\":%lld,\"domain\":\"%s\",\"nonce\":\"%.*s\","
			"\"request\":\"%s\",\"assertion\":\"%.*s\"%s%s%s}",
			(long long)voucher->row, domain, (int)nonce.n,
			nonce.p ? (const char *)nonce.p : "", request, (int)voucher->assertion.n,
			(const char *)voucher->assertion.p, reason ? ",\"rule\":\"" : "",
			reason ? reason : "", reason ? "\"" : "");
	if (err)
		return berth_fail(why, err, "masa-voucher-record", NULL,
				  "the audit record of the voucher cannot be written");
	return berth_audit_append(store, at, actor, event, subject, berth_buf_view(&detail), why);
}

static enum berth_err
find_same(struct berth_store *store, const struct berth_masa_voucher *wanted,
	  struct berth_arena *arena, struct berth_masa_voucher *ret, bool *ret_found,
	  struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " VOUCHER_COLUMNS " FROM voucher WHERE unit = ?"
				   " AND domain_id = ? AND nonce = ? AND request_sha256 = ?");

	berth_query_i64(&query, wanted->unit);
	berth_query_blob(&query, wanted->domain_id);
	berth_query_blob(&query, wanted->nonce);
	berth_query_digest(&query, wanted->request_sha256);
	return take_voucher(&query, arena, ret, ret_found, why);
}

/* A failed one is overwritten: nothing was issued for it. */
static enum berth_err
write_intent(struct berth_store *store, const struct berth_masa_voucher *wanted,
	     struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store,
		"INSERT INTO voucher (unit, domain_id, nonce, request_sha256, assertion, payload,"
		" asked_at, outstanding_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
		" ON CONFLICT (unit, domain_id, nonce, request_sha256) DO UPDATE SET"
		" assertion = excluded.assertion, payload = excluded.payload,"
		" asked_at = excluded.asked_at, outstanding_until = excluded.outstanding_until,"
		" state = 0, failure = '' WHERE state = 2");

	berth_query_i64(&query, wanted->unit);
	berth_query_blob(&query, wanted->domain_id);
	berth_query_blob(&query, wanted->nonce);
	berth_query_digest(&query, wanted->request_sha256);
	berth_query_text(&query, wanted->assertion);
	berth_query_blob(&query, wanted->payload);
	berth_query_i64(&query, wanted->asked_at.s);
	berth_query_i64(&query, wanted->outstanding_until.s);
	return berth_query_run(&query, why);
}

static enum berth_err
check_wanted(const struct berth_masa_voucher *wanted, struct berth_why *why)
{
	if (!wanted->domain_id.n || wanted->domain_id.n > BERTH_DOMAIN_ID_MAX)
		return berth_fail(why, BERTH_E_SYNTAX, "masa-domain-id", "RFC 8995 5.8.2",
				  "the domainID has %zu bytes, not 1 to %d", wanted->domain_id.n,
				  BERTH_DOMAIN_ID_MAX);
	if (!wanted->assertion.n || !berth_bytes_is_printable(wanted->assertion))
		return berth_fail(why, BERTH_E_SYNTAX, "masa-assertion", "RFC 8366 5.3",
				  "the voucher has no assertion");
	return BERTH_OK;
}

enum berth_err
berth_masa_voucher_begin(struct berth_store *store, const struct berth_masa_voucher *wanted,
			 const char *actor, struct berth_arena *arena,
			 struct berth_masa_voucher *ret, bool *ret_is_new, struct berth_why *why)
{
	struct berth_masa_voucher voucher;
	bool found = false;
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = check_wanted(wanted, why);
	if (!err)
		err = find_same(store, wanted, arena, &voucher, &found, why);
	if (err)
		return err;
	bool is_new = !found || voucher.state == BERTH_MASA_VOUCHER_FAILED;
	if (is_new) {
		err = write_intent(store, wanted, why);
		if (!err)
			err = find_same(store, wanted, arena, &voucher, &found, why);
		if (!err)
			err = record(store, &voucher, wanted->asked_at, actor,
				     BERTH_EVENT_VOUCHER_INTENT, NULL, why);
	}
	if (err)
		return err;
	*ret = voucher;
	*ret_is_new = is_new;
	return BERTH_OK;
}

#define ROW_ARENA_MAX ((size_t)1 << 20) /* a payload and a voucher are below 100 KiB */

static enum berth_err
move(struct berth_store *store, int64_t row, enum berth_masa_voucher_state to,
     struct berth_bytes voucher, struct berth_wall at, const char *failure, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "UPDATE voucher SET state = ?, voucher = ?, issued_at = ?,"
				   " failure = ? WHERE row = ? AND state = 0");

	berth_query_i64(&query, to);
	berth_query_blob(&query, voucher);
	berth_query_i64(&query, at.s);
	berth_query_text(&query, berth_text(failure));
	berth_query_i64(&query, row);
	enum berth_err err = berth_query_run(&query, why);
	if (err || berth_query_changed(store))
		return err;
	return berth_fail(why, BERTH_E_STATE, "masa-voucher-state", NULL,
			  "voucher %lld is no longer an intent", (long long)row);
}

enum berth_err
berth_masa_voucher_issue(struct berth_store *store, int64_t row, struct berth_bytes voucher,
			 struct berth_wall at, const char *actor, struct berth_why *why)
{
	struct berth_masa_voucher found;
	BERTH_ARENA arena;
	berth_arena_start(&arena, ROW_ARENA_MAX);
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = berth_masa_voucher_get(store, row, &arena, &found, why);
	if (err)
		return err;
	if (found.state == BERTH_MASA_VOUCHER_ISSUED && berth_bytes_equal(found.voucher, voucher))
		return BERTH_OK;
	struct berth_masa_log_event event = {
		.date = at,
		.domain_id = found.domain_id,
		.nonce = found.nonce,
		.assertion = found.assertion,
	};
	err = move(store, row, BERTH_MASA_VOUCHER_ISSUED, voucher, at, "", why);
	if (!err)
		err = record(store, &found, at, actor, BERTH_EVENT_VOUCHER_ISSUED, NULL, why);
	return err ? err : berth_masa_log_append(store, found.unit, &event, why);
}

/* reason goes into JSON as it is: a rule id, never a sentence with foreign text in it. */
static const char *
rule_id(const char *reason)
{
	for (const char *c = reason; *c; c++) {
		if ((*c < 'a' || *c > 'z') && (*c < '0' || *c > '9') && *c != '-' && *c != '.')
			return "other";
	}
	return reason;
}

enum berth_err
berth_masa_voucher_fail(struct berth_store *store, int64_t row, struct berth_wall at,
			const char *actor, const char *reason, struct berth_why *why)
{
	struct berth_masa_voucher found;
	BERTH_ARENA arena;
	berth_arena_start(&arena, ROW_ARENA_MAX);
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = berth_masa_voucher_get(store, row, &arena, &found, why);
	if (!err)
		err = move(store, row, BERTH_MASA_VOUCHER_FAILED, BERTH_BYTES_NONE, at, reason,
			   why);
	return err ? err
		   : record(store, &found, at, actor, BERTH_EVENT_VOUCHER_DENIED, rule_id(reason),
			    why);
}

enum berth_err
berth_masa_voucher_get(struct berth_store *store, int64_t row, struct berth_arena *arena,
		       struct berth_masa_voucher *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT " VOUCHER_COLUMNS " FROM voucher WHERE row = ?");
	bool found = false;

	berth_query_i64(&query, row);
	enum berth_err err = take_voucher(&query, arena, ret, &found, why);
	if (err || found)
		return err;
	return berth_fail(why, BERTH_E_NOT_FOUND, "masa-voucher-unknown", NULL,
			  "there is no voucher %lld", (long long)row);
}

enum berth_err
berth_masa_voucher_each_intent(struct berth_store *store, berth_masa_visit_voucher *visit,
			       void *context, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT " VOUCHER_COLUMNS
					       " FROM voucher WHERE state = 0 ORDER BY row");
	bool row = false;

	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		struct berth_masa_voucher voucher;
		read_voucher(&query, &voucher);
		if (!visit(context, &voucher))
			return BERTH_OK;
	}
}

enum berth_err
berth_masa_voucher_outstanding(struct berth_store *store, int64_t unit,
			       struct berth_bytes except_domain_id, struct berth_wall now,
			       int64_t *ret, struct berth_why *why)
{
	BERTH_QUERY query =
		berth_query(store, "SELECT count(*) FROM voucher WHERE unit = ? AND domain_id <> ?"
				   " AND outstanding_until > ? AND state <> 2");
	bool row = false;

	berth_query_i64(&query, unit);
	berth_query_blob(&query, except_domain_id);
	berth_query_i64(&query, now.s);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (!err)
		*ret = row ? berth_column_i64(&query, 0) : 0;
	return err;
}
