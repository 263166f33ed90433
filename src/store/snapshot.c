/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store/audit_witness.h"
#include "store/query.h"

#define ALL_PAGES (-1) /* in one step: one read lock, one moment */

static void
close_db(sqlite3 **db)
{
	sqlite3_close_v2(*db);
}

static enum berth_err
copy_pages(sqlite3 *from, sqlite3 *to, struct berth_why *why)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int rc = backup ? sqlite3_backup_step(backup, ALL_PAGES) : SQLITE_ERROR;

	if (backup)
		sqlite3_backup_finish(backup);
	if (rc == SQLITE_DONE)
		return BERTH_OK;
	return berth_fail(why, rc == SQLITE_BUSY ? BERTH_E_TIMEOUT : BERTH_E_IO, "store-snapshot",
			  NULL, "the store cannot be copied: %s", sqlite3_errmsg(to));
}

enum berth_err
berth_store_snapshot(struct berth_store *store, const char *path, struct berth_why *why)
{
	sqlite3 *db BERTH_CLEANUP(close_db) = NULL;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return berth_fail(why, BERTH_E_IO, "store-snapshot", NULL, "%s: %s", path,
				  strerror(errno));
	close(fd);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
	    SQLITE_OK)
		return berth_fail(why, BERTH_E_IO, "store-snapshot", NULL, "%s: %s", path,
				  db ? sqlite3_errmsg(db) : "out of memory");
	enum berth_err err = copy_pages(store->db, db, why);
	/* One file alone: without the WAL's companions it can be read anywhere. */
	if (!err && sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK)
		err = berth_fail(why, BERTH_E_IO, "store-snapshot", NULL, "%s: %s", path,
				 sqlite3_errmsg(db));
	return err;
}

/* A PRAGMA that answers "ok", or with nothing, when all is well. */
static enum berth_err
must_be_silent(struct berth_query *query, struct berth_why *why)
{
	bool row = false;
	enum berth_err err = berth_query_row(query, &row, why);

	if (err || !row)
		return err;
	struct berth_bytes said = berth_column_bytes(query, 0);
	if (berth_bytes_equal_text(said, "ok"))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_SYNTAX, "store-integrity", NULL,
			  "the store is damaged: %.*s", said.n > 120 ? 120 : (int)said.n,
			  (const char *)said.p);
}

enum berth_err
berth_store_check(struct berth_store *store, struct berth_audit_report *report,
		  struct berth_why *why)
{
	BERTH_QUERY pages = berth_query(store, "PRAGMA integrity_check(1)");
	enum berth_err err = must_be_silent(&pages, why);

	if (err)
		return err;
	BERTH_QUERY references = berth_query(store, "PRAGMA foreign_key_check");
	err = must_be_silent(&references, why);
	return err ? err : berth_audit_verify(store, report, why);
}

enum berth_err
berth_audit_witness_peek(const char *path, int64_t *ret_seq, uint8_t hash[BERTH_DIGEST_BYTES],
			 struct berth_why *why)
{
	struct berth_store alone = {.witness = -1};

	*ret_seq = 0;
	if (access(path, F_OK) != 0)
		return BERTH_OK;
	enum berth_err err = berth_audit_witness_open(&alone, path, true, why);
	if (!err)
		err = berth_audit_witness_read(&alone, ret_seq, hash, why);
	if (alone.witness >= 0)
		close(alone.witness);
	return err;
}

enum berth_err
berth_audit_has(struct berth_store *store, int64_t seq, const uint8_t hash[BERTH_DIGEST_BYTES],
		struct berth_why *why)
{
	BERTH_QUERY query = berth_query(
		store, "SELECT hash, (SELECT max(seq) FROM audit) FROM audit WHERE seq = ?");
	uint8_t found[BERTH_DIGEST_BYTES];
	bool row = false;

	berth_query_i64(&query, seq);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	if (!row)
		return berth_fail(why, BERTH_E_SIGNATURE, "audit-older-than-witness", NULL,
				  "the audit log ends before entry %lld, which its witness has "
				  "seen: this store is older than the one that ran here",
				  (long long)seq);
	berth_column_digest(&query, 0, found);
	if (memcmp(found, hash, sizeof found) == 0)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_SIGNATURE, "audit-witness", NULL,
			  "audit entry %lld is not the one that the witness file names: this is "
			  "another store's log, or a changed one",
			  (long long)seq);
}
