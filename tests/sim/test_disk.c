/* SPDX-License-Identifier: BSD-2-Clause */
/* The disk that forgets: it loses what was not synced and nothing else, and it fails when told to. */
#include "disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sqlite3.h>

#define FOLDER "/disk"
#define STORE FOLDER "/store.db"

static uint64_t seed;

static void
fill(void *context, uint8_t *out, size_t n)
{
	uint64_t *state = context;
	for (size_t i = 0; i < n; i++) {
		*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
		out[i] = (uint8_t)(*state >> 56);
	}
}

static int
set_up(void **state)
{
	seed = 20;
	*state = disk_open(FOLDER, (struct berth_random){fill, &seed});
	return 0;
}

static int
tear_down(void **state)
{
	disk_close(*state);
	return 0;
}

static sqlite3 *
open_store(const char *pragmas)
{
	sqlite3 *db = NULL;
	assert_int_equal(sqlite3_open(STORE, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, pragmas, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static int
insert(sqlite3 *db)
{
	return sqlite3_exec(db, "INSERT INTO kept VALUES (zeroblob(3000))", NULL, NULL, NULL);
}

static int
answer(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *stmt = NULL;
	int n = -1;
	if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		n = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	return n;
}

/* The rows that are there after the power went with the store open. */
static int
rows_after_crash(struct disk *disk, sqlite3 *db, enum disk_loss loss)
{
	disk_crash(disk, loss);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	disk_mount(disk);
	db = open_store("SELECT 1");
	int n = answer(db, "SELECT count(*) FROM kept");
	sqlite3_stmt *stmt = NULL;
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

#define WAL "PRAGMA journal_mode = WAL; PRAGMA synchronous = "
#define TABLE "; CREATE TABLE kept (bytes BLOB)"

static void
loses_a_row_that_was_not_synced(void **state)
{
	sqlite3 *db = open_store(WAL "FULL" TABLE);
	assert_int_equal(sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(answer(db, "SELECT count(*) FROM kept"), 1);
	assert_int_equal(rows_after_crash(*state, db, DISK_ALL), 0);
	assert_true(disk_counts(*state).lost_writes > 0);
}

static void
keeps_every_row_that_was_synced(void **state)
{
	sqlite3 *db = open_store(WAL "FULL" TABLE);
	for (int i = 0; i < 10; i++)
		assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(rows_after_crash(*state, db, DISK_ALL), 10);
}

static void
keeps_what_was_written_when_only_the_process_dies(void **state)
{
	sqlite3 *db = open_store(WAL "FULL" TABLE);
	assert_int_equal(sqlite3_exec(db, "PRAGMA synchronous = OFF", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(rows_after_crash(*state, db, DISK_NOTHING), 1);
}

/* Whatever part of the unsynced writes survives: what was acknowledged is there, and the file is whole. */
static void
keeps_synced_rows_whatever_part_of_the_rest_is_lost(void **state)
{
	uint64_t torn = 0;
	sqlite3_close(open_store(WAL "FULL" TABLE));
	int expected = 0;
	for (int round = 0; round < 200; round++) {
		sqlite3 *db = open_store(WAL "FULL; PRAGMA wal_autocheckpoint = 7");
		disk_set_fuse(*state, 1 + (uint32_t)round % 37,
			      round % 2 ? DISK_SUBSET : DISK_PREFIX);
		while (!disk_is_dead(*state))
			expected += insert(db) == SQLITE_OK;
		int there = rows_after_crash(*state, db, DISK_ALL);
		/* The insert that met the crash may have got through or not. */
		assert_in_range(there, expected, expected + 1);
		expected = there;
	}
	torn = disk_counts(*state).torn_writes;
	assert_true(torn > 0);
}

static void
keeps_synced_rows_without_a_write_ahead_log(void **state)
{
	sqlite3_close(open_store("PRAGMA synchronous = FULL" TABLE));
	int expected = 0;
	for (int round = 0; round < 100; round++) {
		sqlite3 *db = open_store("PRAGMA synchronous = FULL");
		disk_set_fuse(*state, 1 + (uint32_t)round % 23, DISK_SUBSET);
		while (!disk_is_dead(*state))
			expected += insert(db) == SQLITE_OK;
		int there = rows_after_crash(*state, db, DISK_ALL);
		assert_in_range(there, expected, expected + 1);
		expected = there;
	}
}

static void
loses_rows_when_the_disk_lies_about_syncs(void **state)
{
	sqlite3 *db = open_store(WAL "FULL" TABLE);
	assert_int_equal(insert(db), SQLITE_OK);
	disk_lie_about_syncs(*state, true);
	assert_int_equal(insert(db), SQLITE_OK);
	disk_lie_about_syncs(*state, false);
	assert_int_equal(rows_after_crash(*state, db, DISK_ALL), 1);
}

static void
fails_a_commit_when_a_sync_fails(void **state)
{
	sqlite3 *db = open_store(WAL "FULL" TABLE);
	disk_fail_syncs(*state, 1);
	assert_int_equal(insert(db), SQLITE_IOERR);
	assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(answer(db, "SELECT count(*) FROM kept"), 1);
	assert_int_equal(rows_after_crash(*state, db, DISK_ALL), 1);
}

static void
fails_a_commit_when_a_write_fails(void **state)
{
	sqlite3 *db = open_store(WAL "FULL" TABLE);
	disk_fail_writes(*state, 1);
	assert_int_equal(insert(db), SQLITE_IOERR);
	assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(rows_after_crash(*state, db, DISK_ALL), 1);
}

static void
says_that_it_is_full(void **state)
{
	sqlite3 *db = open_store(WAL "FULL" TABLE);
	disk_set_full(*state, true);
	assert_int_equal(insert(db), SQLITE_FULL);
	disk_set_full(*state, false);
	assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(rows_after_crash(*state, db, DISK_ALL), 1);
}

static void
keeps_two_connections_apart(void **state)
{
	sqlite3 *db = open_store(WAL "FULL" TABLE);
	sqlite3 *other = open_store("SELECT 1");
	(void)state;
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(insert(db), SQLITE_OK);
	assert_int_equal(answer(other, "SELECT count(*) FROM kept"), 0);
	assert_int_equal(insert(other), SQLITE_BUSY);
	assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(answer(other, "SELECT count(*) FROM kept"), 1);
	sqlite3_close(other);
	assert_int_equal(insert(db), SQLITE_OK);
	sqlite3_close(db);
}

static void
finds_and_spoils_a_byte(void **state)
{
	sqlite3 *db = open_store(WAL "FULL" TABLE);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO kept VALUES ('needle')", NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_false(disk_spoil(*state, ".db", BERTH_LIT("haystack")));
	assert_true(disk_spoil(*state, ".db", BERTH_LIT("needle")));
	db = open_store("SELECT 1");
	assert_int_equal(answer(db, "SELECT count(*) FROM kept WHERE bytes = 'needle'"), 0);
	assert_int_equal(answer(db, "SELECT count(*) FROM kept"), 1);
	sqlite3_close(db);
}

#define DISK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DISK_TEST(loses_a_row_that_was_not_synced),
		DISK_TEST(keeps_every_row_that_was_synced),
		DISK_TEST(keeps_what_was_written_when_only_the_process_dies),
		DISK_TEST(keeps_synced_rows_whatever_part_of_the_rest_is_lost),
		DISK_TEST(keeps_synced_rows_without_a_write_ahead_log),
		DISK_TEST(loses_rows_when_the_disk_lies_about_syncs),
		DISK_TEST(fails_a_commit_when_a_sync_fails),
		DISK_TEST(fails_a_commit_when_a_write_fails),
		DISK_TEST(says_that_it_is_full),
		DISK_TEST(keeps_two_connections_apart),
		DISK_TEST(finds_and_spoils_a_byte),
	};
	disk_register();
	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
