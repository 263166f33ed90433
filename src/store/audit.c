/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/hex.h"
#include "store/audit_witness.h"
#include "store/query.h"

/* Changes with the encoding; an old chain is then verified by its own rule. */
static const char encoding_tag[] = "berth-audit-1";

static enum berth_err
hash_entry(const struct berth_digest *digest, struct berth_audit_entry *entry,
	   const uint8_t prev[BERTH_DIGEST_BYTES], struct berth_why *why)
{
	BERTH_BUF bytes = {0};
	enum berth_err err = berth_buf_append(&bytes, encoding_tag, sizeof encoding_tag - 1);

	if (!err)
		err = berth_buf_append_u64(&bytes, (uint64_t)entry->seq);
	if (!err)
		err = berth_buf_append_u64(&bytes, (uint64_t)entry->at.s);
	if (!err)
		err = berth_buf_append_vector16(&bytes, entry->actor);
	if (!err)
		err = berth_buf_append_vector16(&bytes, entry->event);
	if (!err)
		err = berth_buf_append_vector16(&bytes, entry->subject);
	if (!err)
		err = berth_buf_append_vector32(&bytes, entry->detail);
	if (!err)
		err = berth_buf_append(&bytes, prev, BERTH_DIGEST_BYTES);
	if (!err)
		err = berth_digest_sha256(digest, berth_buf_view(&bytes), entry->hash);
	if (err)
		return berth_fail(why, err, "audit-encode", NULL,
				  "audit entry %" PRId64 " cannot be hashed", entry->seq);
	return BERTH_OK;
}

/* The newest entry; seq 0 and zeroes when the log is empty. */
static enum berth_err
learn_head(struct berth_store *store, struct berth_why *why)
{
	if (store->head.is_known)
		return BERTH_OK;
	BERTH_QUERY query =
		berth_query(store, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1");
	bool row = false;
	enum berth_err err = berth_query_row(&query, &row, why);

	if (err)
		return err;
	store->head.seq = row ? berth_column_i64(&query, 0) : 0;
	if (row)
		berth_column_digest(&query, 1, store->head.hash);
	if (!row)
		memset(store->head.hash, 0, BERTH_DIGEST_BYTES);
	store->head.is_known = true;
	return BERTH_OK;
}

static enum berth_err
check_text(struct berth_bytes text, size_t max, const char *what, struct berth_why *why)
{
	if (text.n > max)
		return berth_fail(why, BERTH_E_LIMIT, "audit-size", NULL,
				  "the audit entry's %s is longer than %zu bytes", what, max);
	if (!berth_bytes_is_utf8(text))
		return berth_fail(why, BERTH_E_SYNTAX, "audit-text", NULL,
				  "the audit entry's %s is not UTF-8", what);
	return BERTH_OK;
}

static enum berth_err
insert(struct berth_store *store, const struct berth_audit_entry *entry,
       const uint8_t prev[BERTH_DIGEST_BYTES], struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO audit (seq, at, actor, event, subject, detail, prev, hash)"
		       " VALUES (?, ?, ?, ?, ?, ?, ?, ?)");

	berth_query_i64(&query, entry->seq);
	berth_query_i64(&query, entry->at.s);
	berth_query_text(&query, entry->actor);
	berth_query_text(&query, entry->event);
	berth_query_text(&query, entry->subject);
	berth_query_text(&query, entry->detail);
	berth_query_digest(&query, prev);
	berth_query_digest(&query, entry->hash);
	return berth_query_run(&query, why);
}

enum berth_err
berth_audit_append(struct berth_store *store, struct berth_wall at, const char *actor,
		   enum berth_event_kind event, const char *subject, struct berth_bytes detail,
		   struct berth_why *why)
{
	struct berth_audit_entry entry = {
		.at = at,
		.actor = berth_text(actor),
		.event = berth_text(berth_event_name(event)),
		.subject = berth_text(subject),
		.detail = detail,
	};
	enum berth_err err = berth_store_writes(store, why);

	if (!err)
		err = check_text(entry.actor, BERTH_AUDIT_ACTOR_MAX, "actor", why);
	if (!err)
		err = check_text(entry.subject, BERTH_AUDIT_SUBJECT_MAX, "subject", why);
	if (!err)
		err = check_text(entry.detail, BERTH_AUDIT_DETAIL_MAX, "detail", why);
	if (!err)
		err = learn_head(store, why);
	if (err)
		return err;
	entry.seq = store->head.seq + 1;
	err = hash_entry(&store->digest, &entry, store->head.hash, why);
	err = err ? err : insert(store, &entry, store->head.hash, why);
	if (err)
		return err;
	store->head.seq = entry.seq;
	memcpy(store->head.hash, entry.hash, sizeof store->head.hash);
	return BERTH_OK;
}

static void
read_entry(const struct berth_query *query, struct berth_audit_entry *entry)
{
	entry->seq = berth_column_i64(query, 0);
	entry->at.s = berth_column_i64(query, 1);
	entry->actor = berth_column_bytes(query, 2);
	entry->event = berth_column_bytes(query, 3);
	entry->subject = berth_column_bytes(query, 4);
	entry->detail = berth_column_bytes(query, 5);
	berth_column_digest(query, 6, entry->hash);
}

#define SELECT_ENTRIES                                                                             \
	"SELECT seq, at, actor, event, subject, detail, hash, prev FROM audit WHERE seq >= ?"      \
	" ORDER BY seq"

enum berth_err
berth_audit_each(struct berth_store *store, int64_t from_seq, berth_audit_visit *visit,
		 void *context, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, SELECT_ENTRIES);
	bool row = false;

	berth_query_i64(&query, from_seq);
	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		struct berth_audit_entry entry;
		read_entry(&query, &entry);
		if (!visit(context, &entry))
			return BERTH_OK;
	}
}

/* What verify carries from one entry to the next. */
struct chain {
	int64_t seq;
	uint8_t head[BERTH_DIGEST_BYTES];
	int64_t witness_seq; /* 0: none */
	uint8_t witness_hash[BERTH_DIGEST_BYTES];
};

static enum berth_err
verify_entry(struct berth_store *store, const struct berth_query *query, struct chain *chain,
	     struct berth_audit_report *report, struct berth_why *why)
{
	struct berth_audit_entry entry;
	uint8_t stored_prev[BERTH_DIGEST_BYTES];
	uint8_t stored_hash[BERTH_DIGEST_BYTES];

	read_entry(query, &entry);
	berth_column_digest(query, 7, stored_prev);
	memcpy(stored_hash, entry.hash, sizeof stored_hash);
	report->broken_seq = chain->seq + 1;
	if (entry.seq != chain->seq + 1)
		return berth_fail(why, BERTH_E_SIGNATURE, "audit-gap", NULL,
				  "audit entry %" PRId64 " is missing", chain->seq + 1);
	if (memcmp(stored_prev, chain->head, sizeof stored_prev) != 0)
		return berth_fail(why, BERTH_E_SIGNATURE, "audit-chain", NULL,
				  "audit entry %" PRId64 " does not follow the one before it",
				  entry.seq);
	enum berth_err err = hash_entry(&store->digest, &entry, chain->head, why);
	if (err)
		return err;
	if (memcmp(entry.hash, stored_hash, sizeof stored_hash) != 0)
		return berth_fail(why, BERTH_E_SIGNATURE, "audit-hash", NULL,
				  "audit entry %" PRId64 " was changed after it was written",
				  entry.seq);
	if (entry.seq == chain->witness_seq &&
	    memcmp(entry.hash, chain->witness_hash, sizeof stored_hash) != 0)
		return berth_fail(why, BERTH_E_SIGNATURE, "audit-witness", NULL,
				  "audit entry %" PRId64
				  " is not the one that the witness file names",
				  entry.seq);
	chain->seq = entry.seq;
	memcpy(chain->head, entry.hash, sizeof chain->head);
	report->broken_seq = 0;
	report->entries++;
	return BERTH_OK;
}

enum berth_err
berth_audit_verify(struct berth_store *store, struct berth_audit_report *report,
		   struct berth_why *why)
{
	struct chain chain = {0};
	bool row = false;

	*report = (struct berth_audit_report){0};
	enum berth_err err =
		berth_audit_witness_read(store, &chain.witness_seq, chain.witness_hash, why);
	if (err)
		return err;
	BERTH_QUERY query = berth_query(store, SELECT_ENTRIES);
	berth_query_i64(&query, INT64_MIN);
	for (;;) {
		err = berth_query_row(&query, &row, why);
		if (!err && row)
			err = verify_entry(store, &query, &chain, report, why);
		if (err)
			return err;
		if (!row)
			break;
	}
	memcpy(report->head, chain.head, sizeof report->head);
	report->has_witness = chain.witness_seq > 0;
	if (chain.seq >= chain.witness_seq)
		return BERTH_OK;
	report->broken_seq = chain.seq + 1;
	return berth_fail(why, BERTH_E_SIGNATURE, "audit-cut", NULL,
			  "the audit log ends at entry %" PRId64
			  ", the witness file has seen %" PRId64,
			  chain.seq, chain.witness_seq);
}

/* "berth-witness-1 SEQ(20 digits) HASH(64 hex digits)\n" */
#define WITNESS_LINE_BYTES 102

enum berth_err
berth_audit_witness_open(struct berth_store *store, const char *path, bool read_only,
			 struct berth_why *why)
{
	int flags = read_only ? O_RDONLY : O_RDWR | O_CREAT;

	store->witness = open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->witness < 0)
		return berth_fail(why, BERTH_E_IO, "audit-witness-open", NULL, "%s: %s", path,
				  strerror(errno));
	uint8_t hash[BERTH_DIGEST_BYTES];
	store->witness_is_behind = true;
	return berth_audit_witness_read(store, &store->witness_seq, hash, why);
}

enum berth_err
berth_audit_witness_write(struct berth_store *store, struct berth_why *why)
{
	char hex[2 * BERTH_DIGEST_BYTES + 1];
	char line[WITNESS_LINE_BYTES + 1];

	/* A commit that has not looked for the newest entry has added none. */
	if (store->witness < 0 || (!store->head.is_known && !store->witness_is_behind))
		return BERTH_OK;
	enum berth_err err = learn_head(store, why);
	if (err)
		return err;
	int64_t seq = store->head.seq;
	store->head.is_known = false;
	store->witness_is_behind = seq != store->witness_seq;
	if (!store->witness_is_behind)
		return BERTH_OK;
	berth_hex_text(berth_bytes_of(store->head.hash, sizeof store->head.hash), hex, sizeof hex);
	int n = snprintf(line, sizeof line, "berth-witness-1 %020" PRId64 " %s\n", seq, hex);
	if (n != WITNESS_LINE_BYTES || pwrite(store->witness, line, (size_t)n, 0) != n)
		return berth_fail(why, BERTH_E_IO, "audit-witness-write", NULL,
				  "the audit witness cannot be written: %s", strerror(errno));
	store->witness_seq = seq;
	store->witness_is_behind = false;
	return BERTH_OK;
}

static bool
is_zero(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] != '\0')
			return false;
	return n > 0;
}

enum berth_err
berth_audit_witness_read(const struct berth_store *store, int64_t *ret_seq,
			 uint8_t hash[BERTH_DIGEST_BYTES], struct berth_why *why)
{
	char line[WITNESS_LINE_BYTES + 1] = {0};
	char hex[2 * BERTH_DIGEST_BYTES + 1] = {0};
	int64_t seq = 0;

	*ret_seq = 0;
	if (store->witness < 0)
		return BERTH_OK;
	ssize_t n = pread(store->witness, line, WITNESS_LINE_BYTES, 0);
	/* Empty, or zeros that a power cut left of its first line: as if it had been taken away, which is no stronger. */
	if (n == 0 || is_zero(line, (size_t)(n < 0 ? 0 : n)))
		return BERTH_OK;
	BERTH_BUF bytes = {0};
	if (n != WITNESS_LINE_BYTES ||
	    /* NOLINTNEXTLINE(cert-err34-c): the store wrote it; a number out of range is no match */
	    sscanf(line, "berth-witness-1 %20" SCNd64 " %64[0-9a-f]", &seq, hex) != 2 || seq < 1 ||
	    berth_hex_decode(berth_text(hex), &bytes, NULL) || bytes.n != BERTH_DIGEST_BYTES)
		return berth_fail(why, BERTH_E_SYNTAX, "audit-witness-form", NULL,
				  "the audit witness file cannot be read");
	memcpy(hash, bytes.p, bytes.n);
	*ret_seq = seq;
	return BERTH_OK;
}
