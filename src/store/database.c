/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/audit_witness.h"
#include "store/migrations.h"
#include "store/query.h"
#include "store/snapshot.h"
#include "store/wal_vfs.h"

/* The application id: so that a MASA never opens a registrar's file. "BerM" and "BerR" for file(1). */
static const struct {
	const char *name;
	int32_t application_id;
	const char *stamp;
} schemas[] = {
	[BERTH_STORE_MASA] = {"masa", 0x4265724d, "PRAGMA application_id = 0x4265724d"},
	[BERTH_STORE_REGISTRAR] = {"registrar", 0x42657252, "PRAGMA application_id = 0x42657252"},
};

static int64_t
monotonic_ms(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * SQLite's own handler sleeps up to 100 ms at a time and starves writers for seconds (design.md 8a). Ours asks
 * again after 0.2 to 0.9 ms, so waiters take turns.
 */
static int
on_busy(void *context, int times)
{
	struct berth_store *store = context;
	struct timespec pause = {.tv_nsec = 200000 + (long)(times % 8) * 100000};

	if (times == 0)
		store->busy_since_ms = monotonic_ms();
	if (monotonic_ms() - store->busy_since_ms >= store->busy_timeout_ms)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

static enum berth_err
exec(struct berth_store *store, const char *sql, struct berth_why *why)
{
	int rc = sqlite3_exec(store->db, sql, NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		return BERTH_OK;
	if (rc == SQLITE_BUSY)
		return berth_fail(why, BERTH_E_TIMEOUT, "store-locked", NULL,
				  "another process holds the store for too long");
	return berth_fail(why, BERTH_E_IO, "store-engine", NULL, "the store cannot be used: %s",
			  sqlite3_errmsg(store->db));
}

/* One number that a statement answers. */
static enum berth_err
number(struct berth_store *store, const char *sql, struct berth_bytes parameter, int64_t *ret,
       struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, sql);
	bool row = false;

	if (parameter.p)
		berth_query_text(&query, parameter);
	enum berth_err err = berth_query_row(&query, &row, why);
	if (err)
		return err;
	*ret = row ? berth_column_i64(&query, 0) : 0;
	return BERTH_OK;
}

/* The file is ours alone: it holds who bought what and who was refused. */
static enum berth_err
make_file(const char *path, struct berth_why *why)
{
	struct stat facts;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return berth_fail(why, BERTH_E_IO, "store-open", NULL, "%s: %s", path,
				  strerror(errno));
	int rc = fstat(fd, &facts);
	close(fd);
	if (rc || !S_ISREG(facts.st_mode))
		return berth_fail(why, BERTH_E_IO, "store-open", NULL, "%s is not a file", path);
	if (facts.st_mode & 077)
		return berth_fail(why, BERTH_E_USAGE, "store-mode", NULL,
				  "%s may be read by others: chmod 600 it", path);
	return BERTH_OK;
}

static enum berth_err
check_application(struct berth_store *store, const char *path, struct berth_why *why)
{
	int64_t found = 0;
	int64_t tables = 0;
	enum berth_err err = number(store, "PRAGMA application_id", BERTH_BYTES_NONE, &found, why);

	if (err)
		return err;
	if (found == schemas[store->schema].application_id)
		return BERTH_OK;
	err = number(store, "SELECT count(*) FROM sqlite_schema", BERTH_BYTES_NONE, &tables, why);
	if (err)
		return err;
	if (found == 0 && tables == 0)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_MISMATCH, "store-schema", NULL,
			  "%s is not the store of a %s", path, schemas[store->schema].name);
}

static enum berth_err
migrate_one(struct berth_store *store, const struct berth_migration *migration,
	    struct berth_why *why)
{
	enum berth_err err = exec(store, migration->sql, why);

	if (err)
		return err;
	BERTH_QUERY query =
		berth_query(store, "INSERT INTO berth_schema (name, version) VALUES (?, ?)"
				   " ON CONFLICT (name) DO UPDATE SET version = excluded.version");
	berth_query_text(&query, berth_text(migration->name));
	berth_query_i64(&query, migration->version);
	return berth_query_run(&query, why);
}

/* Refuses a file that a newer Berth has changed: its rows may mean something we do not know. */
static enum berth_err
migrate_set(struct berth_store *store, const char *name, bool may_write, struct berth_why *why)
{
	int64_t version = 0;
	int64_t newest = 0;
	enum berth_err err = number(store, "SELECT version FROM berth_schema WHERE name = ?",
				    berth_text(name), &version, why);

	for (size_t i = 0; i < berth_migration_count && !err; i++) {
		const struct berth_migration *migration = &berth_migrations[i];

		if (strcmp(migration->name, name) != 0)
			continue;
		newest = migration->version;
		if (newest > version && may_write)
			err = migrate_one(store, migration, why);
	}
	if (err)
		return err;
	if (version > newest)
		return berth_fail(
			why, BERTH_E_MISMATCH, "store-newer", NULL,
			"the store has version %lld of %s, this program knows %lld: use a "
			"newer Berth",
			(long long)version, name, (long long)newest);
	if (version < newest && !may_write)
		return berth_fail(
			why, BERTH_E_MISMATCH, "store-older", NULL,
			"the store has version %lld of %s, this program needs %lld: let the "
			"daemon open it once",
			(long long)version, name, (long long)newest);
	return BERTH_OK;
}

static enum berth_err
migrate_in_transaction(struct berth_store *store, struct berth_why *why)
{
	enum berth_err err = exec(store,
				  "CREATE TABLE IF NOT EXISTS berth_schema (name TEXT PRIMARY KEY,"
				  " version INTEGER NOT NULL) STRICT, WITHOUT ROWID",
				  why);

	if (!err)
		err = exec(store, schemas[store->schema].stamp, why);
	if (!err)
		err = migrate_set(store, "common", true, why);
	if (!err)
		err = migrate_set(store, schemas[store->schema].name, true, why);
	return err;
}

static enum berth_err
migrate(struct berth_store *store, struct berth_why *why)
{
	enum berth_err err = berth_store_begin(store, why);

	if (err)
		return err;
	err = migrate_in_transaction(store, why);
	if (err) {
		berth_store_abort(store);
		return err;
	}
	return berth_store_commit(store, why);
}

/*
 * An older store put back by hand: its next commit would write the witness over, and nobody would ever know. The
 * witness may lag behind the log, never lead.
 */
static enum berth_err
compare_with_witness(struct berth_store *store, struct berth_why *why)
{
	uint8_t hash[BERTH_DIGEST_BYTES];
	int64_t seq = 0;
	enum berth_err err = berth_audit_witness_read(store, &seq, hash, why);

	if (err || seq == 0)
		return err;
	err = berth_audit_has(store, seq, hash, why);
	if (err != BERTH_E_SIGNATURE)
		return err;
	return berth_fail(
		why, err, "audit-older-than-witness", NULL,
		"the audit log does not have entry %lld, which its witness has seen: an "
		"older store was put here; use \"berth registrar restore\" or \"berth masa "
		"restore\", which say what is lost",
		(long long)seq);
}

/* After the migrations: they may change more pages than memory should hold, a request never does. */
static enum berth_err
gather(struct berth_store *store, struct berth_why *why)
{
	enum berth_err err = exec(store, "PRAGMA cache_spill = OFF", why);

	if (err)
		return err;
	return berth_wal_gather(store->db)
		       ? berth_fail(why, BERTH_E_MEMORY, "store-memory", NULL, "out of memory")
		       : BERTH_OK;
}

static enum berth_err
set_up(struct berth_store *store, const struct berth_store_conf *conf, struct berth_why *why)
{
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_busy_handler(store->db, on_busy, store);
	enum berth_err err = check_application(store, conf->path, why);
	if (!err && conf->read_only)
		err = migrate_set(store, "common", false, why);
	if (!err && conf->read_only)
		err = migrate_set(store, schemas[store->schema].name, false, why);
	if (!err && !conf->read_only)
		err = exec(store,
			   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			   " PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY",
			   why);
	if (!err && !conf->read_only)
		err = migrate(store, why);
	if (!err && !conf->read_only)
		err = gather(store, why);
	if (!err && conf->witness_path)
		err = berth_audit_witness_open(store, conf->witness_path, conf->read_only, why);
	/* who reads (berth audit verify) wants to be told, not kept out */
	if (!err && conf->witness_path && !conf->read_only)
		err = compare_with_witness(store, why);
	return err;
}

enum berth_err
berth_store_open(const struct berth_store_conf *conf, struct berth_store **ret,
		 struct berth_why *why)
{
	int flags = conf->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	enum berth_err err = conf->read_only ? BERTH_OK : make_file(conf->path, why);

	if (err)
		return err;
	BERTH_CLEANUP(berth_store_closep) struct berth_store *store = calloc(1, sizeof *store);
	if (!store)
		return berth_fail(why, BERTH_E_MEMORY, "store-memory", NULL, "out of memory");
	/* Of no effect when a store has been opened before. One thread (docs/decisions/0007): no locks in memory. */
	(void)sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	store->digest = conf->digest;
	store->schema = conf->schema;
	store->witness = -1;
	store->busy_timeout_ms =
		conf->busy_timeout_ms ? conf->busy_timeout_ms : BERTH_STORE_BUSY_DEFAULT_MS;
	/* Who only reads writes no log. */
	store->vfs = conf->read_only ? NULL : berth_wal_vfs_new();
	if (!conf->read_only && !store->vfs)
		return berth_fail(why, BERTH_E_MEMORY, "store-memory", NULL, "out of memory");
	const char *vfs = store->vfs ? berth_wal_vfs_name(store->vfs) : NULL;
	if (sqlite3_open_v2(conf->path, &store->db, flags | SQLITE_OPEN_NOMUTEX, vfs) != SQLITE_OK)
		return berth_fail(why, BERTH_E_IO, "store-open", NULL, "%s: %s", conf->path,
				  store->db ? sqlite3_errmsg(store->db) : "out of memory");
	err = set_up(store, conf, why);
	if (err)
		return err;
	*ret = store;
	store = NULL;
	return BERTH_OK;
}

void
berth_store_close(struct berth_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < BERTH_QUERY_CACHE_MAX; i++)
		sqlite3_finalize(store->cache.at[i].stmt);
	sqlite3_close_v2(store->db);
	berth_wal_vfs_free(store->vfs);
	if (store->witness >= 0)
		close(store->witness);
	free(store);
}

void
berth_store_closep(struct berth_store **store)
{
	berth_store_close(*store);
	*store = NULL;
}

bool
berth_store_in_transaction(const struct berth_store *store)
{
	return !sqlite3_get_autocommit(store->db);
}

/* Prepared, since it runs for every request. */
static enum berth_err
run(struct berth_store *store, const char *sql, struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, sql);

	return berth_query_run(&query, why);
}

enum berth_err
berth_store_begin(struct berth_store *store, struct berth_why *why)
{
	if (berth_store_in_transaction(store))
		return berth_fail(why, BERTH_E_STATE, "store-nested", NULL,
				  "a transaction is open already");
	if (sqlite3_db_readonly(store->db, "main"))
		return berth_fail(why, BERTH_E_STATE, "store-read-only", NULL,
				  "the store was opened for reading");
	store->head.is_known = false;
	return run(store, "BEGIN IMMEDIATE", why);
}

enum berth_err
berth_store_commit(struct berth_store *store, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	store->has_savepoint = false;
	if (!err)
		err = run(store, "COMMIT", why);
	if (!err)
		err = berth_audit_witness_write(store, why);
	store->head.is_known = false;
	return err;
}

void
berth_store_abort(struct berth_store *store)
{
	store->has_savepoint = false;
	store->head.is_known = false;
	if (berth_store_in_transaction(store))
		berth_ignore(run(store, "ROLLBACK", NULL),
			     "a failed rollback ends with the file's close");
}

static enum berth_err
savepoint_must_be(const struct berth_store *store, bool open, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	if (store->has_savepoint == open)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_STATE, "store-savepoint", NULL,
			  open ? "no savepoint is open" : "a savepoint is open already");
}

enum berth_err
berth_store_savepoint(struct berth_store *store, struct berth_why *why)
{
	enum berth_err err = savepoint_must_be(store, false, why);

	if (!err)
		err = run(store, "SAVEPOINT request", why);
	if (!err)
		store->has_savepoint = true;
	return err;
}

enum berth_err
berth_store_release(struct berth_store *store, struct berth_why *why)
{
	enum berth_err err = savepoint_must_be(store, true, why);

	if (!err)
		err = run(store, "RELEASE request", why);
	if (!err)
		store->has_savepoint = false;
	return err;
}

enum berth_err
berth_store_rollback(struct berth_store *store, struct berth_why *why)
{
	enum berth_err err = savepoint_must_be(store, true, why);

	store->head.is_known = false; /* it may be one of those that are undone */
	if (!err)
		err = run(store, "ROLLBACK TO request", why);
	if (!err)
		err = run(store, "RELEASE request", why);
	if (!err)
		store->has_savepoint = false;
	return err;
}

enum berth_err
berth_store_count(struct berth_store *store, const char *name, int64_t by, struct berth_why *why)
{
	enum berth_err err = berth_store_writes(store, why);

	if (err)
		return err;
	BERTH_QUERY query = berth_query(
		store, "INSERT INTO counter (name, value) VALUES (?, ?)"
		       " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value");
	berth_query_text(&query, berth_text(name));
	berth_query_i64(&query, by);
	return berth_query_run(&query, why);
}

enum berth_err
berth_store_counters(struct berth_store *store, berth_store_visit_counter *visit, void *context,
		     struct berth_why *why)
{
	BERTH_QUERY query = berth_query(store, "SELECT name, value FROM counter ORDER BY name");
	bool row = false;

	for (;;) {
		enum berth_err err = berth_query_row(&query, &row, why);

		if (err || !row)
			return err;
		const char *name = (const char *)sqlite3_column_text(query.stmt, 0);
		if (!name || !visit(context, name, berth_column_i64(&query, 1)))
			return BERTH_OK;
	}
}
