/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/wal_vfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/fixture.h"
#include "store/query.h"

/* ---- a file system whose logs fail when told to: the unix one, and the default of this program ---- */

static struct {
	uint32_t writes, syncs; /* to logs */
	int failing_writes;	/* so many fail, with half of the bytes written */
	int failing_syncs;
} faults;

static sqlite3_vfs *unix_vfs;
static const sqlite3_io_methods *unix_methods;

static int
faulty_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 at)
{
	faults.writes++;
	if (faults.failing_writes == 0)
		return unix_methods->xWrite(file, bytes, n, at);
	faults.failing_writes--;
	assert_int_equal(unix_methods->xWrite(file, bytes, n / 2, at), SQLITE_OK);
	return SQLITE_FULL;
}

static int
faulty_sync(sqlite3_file *file, int flags)
{
	faults.syncs++;
	if (faults.failing_syncs == 0)
		return unix_methods->xSync(file, flags);
	faults.failing_syncs--;
	return SQLITE_IOERR_FSYNC;
}

static int
faulty_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *ret_flags)
{
	static sqlite3_io_methods methods;
	int rc = unix_vfs->xOpen(unix_vfs, name, file, flags, ret_flags);

	(void)vfs;
	if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_WAL))
		return rc;
	unix_methods = file->pMethods;
	methods = *unix_methods;
	methods.xWrite = faulty_write;
	methods.xSync = faulty_sync;
	file->pMethods = &methods;
	return rc;
}

static int
faulty_setup(void **state)
{
	static sqlite3_vfs vfs;

	memset(&faults, 0, sizeof faults);
	if (!unix_vfs) {
		assert_int_equal(sqlite3_initialize(), SQLITE_OK);
		unix_vfs = sqlite3_vfs_find(NULL);
		vfs = *unix_vfs;
		vfs.pNext = NULL;
		vfs.zName = "faulty";
		vfs.xOpen = faulty_open;
		assert_int_equal(sqlite3_vfs_register(&vfs, 1), SQLITE_OK);
	}
	return masa_setup(state);
}

/* ---- what others see ---- */

static void
count(struct fixture *f, const char *name)
{
	ok(f, berth_store_count(f->store, name, 1, &f->why));
}

/* So many rows that a commit has more frames than are gathered at a time. */
static void
count_much(struct fixture *f, int rows)
{
	char name[2000];

	memset(name, 'n', sizeof name);
	for (int i = 0; i < rows; i++) {
		(void)snprintf(name, sizeof name, "%1990d", i);
		count(f, name);
	}
}

/* As another process sees it, after its own look at whether the file is whole. */
static int
rows_seen(const struct fixture *f)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;

	assert_int_equal(sqlite3_open_v2(f->path, &db, SQLITE_OPEN_READWRITE, "faulty"), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(stmt, 0), "ok");
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM counter", -1, &stmt, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
	int rows = sqlite3_column_int(stmt, 0);
	sqlite3_finalize(stmt);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return rows;
}

/* As they would stand after a kill at this moment: a copy of the files, without the index that is memory. */
static int
rows_after_kill(const struct fixture *f)
{
	static const char *const endings[] = {"", "-wal"};
	struct fixture copy = {0};
	char command[512];

	(void)snprintf(copy.path, sizeof copy.path, "%.80s-copy", f->path);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(command, sizeof command, "cp %s%s %s%s", f->path, endings[i],
			       copy.path, endings[i]);
		assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): our own words */
	}
	int rows = rows_seen(&copy);
	(void)snprintf(command, sizeof command, "rm -f %s*", copy.path);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): our own words */
	return rows;
}

static void
writes_the_pages_of_a_commit_at_once_before_its_sync(void **state)
{
	struct fixture *f = *state;

	begin(f);
	count_much(f, 12);
	faults.writes = faults.syncs = 0;
	commit(f);
	assert_int_equal(faults.writes, 1);
	assert_int_equal(faults.syncs, 1);
	assert_int_equal(rows_seen(f), 12);
	assert_int_equal(rows_after_kill(f), 12);
}

static void
writes_nothing_before_the_commit(void **state)
{
	struct fixture *f = *state;

	begin(f);
	faults.writes = 0;
	count_much(f, 2000); /* more pages than SQLite keeps of its own accord */
	assert_int_equal(faults.writes, 0);
	berth_store_abort(f->store);
	assert_int_equal(rows_seen(f), 0);
	begin(f);
	count_much(f, 2000);
	commit(f);
	assert_int_equal(rows_seen(f), 2000);
	assert_int_equal(rows_after_kill(f), 2000);
}

static void
refuses_a_commit_whose_log_cannot_be_written(void **state)
{
	struct fixture *f = *state;

	begin(f);
	count(f, "kept");
	commit(f);
	for (int rows = 1; rows < 200; rows += 66) {
		begin(f);
		count_much(f, rows);
		faults.failing_writes = 1;
		refused(f, BERTH_E_IO, "store-full", berth_store_commit(f->store, &f->why));
		berth_store_abort(f->store);
		assert_int_equal(rows_seen(f), 1);
		assert_int_equal(rows_after_kill(f), 1);
	}
	/* The disk has room again: as if nothing had been. */
	begin(f);
	count(f, "kept too");
	commit(f);
	assert_int_equal(rows_seen(f), 2);
	assert_int_equal(rows_after_kill(f), 2);
}

static void
refuses_a_commit_whose_sync_fails(void **state)
{
	struct fixture *f = *state;

	begin(f);
	count(f, "lost");
	faults.failing_syncs = 1;
	refused(f, BERTH_E_IO, "store-engine", berth_store_commit(f->store, &f->why));
	berth_store_abort(f->store);
	assert_int_equal(rows_seen(f), 0);
	begin(f);
	count(f, "kept");
	commit(f);
	assert_int_equal(rows_seen(f), 1);
	assert_int_equal(rows_after_kill(f), 1);
}

/* What is left of a failed commit must not be written over what another process commits meanwhile. */
static void
leaves_alone_what_another_process_wrote_after_a_failure(void **state)
{
	struct fixture *f = *state;

	begin(f);
	count_much(f, 30);
	faults.failing_writes = 1;
	refused(f, BERTH_E_IO, "store-full", berth_store_commit(f->store, &f->why));
	berth_store_abort(f->store);
	tamper(f, "INSERT INTO counter VALUES ('theirs', 1)");
	assert_int_equal(rows_seen(f), 1);
	begin(f);
	count(f, "ours");
	commit(f);
	assert_int_equal(rows_seen(f), 2);
	assert_int_equal(rows_after_kill(f), 2);
}

/* ---- the file, operation by operation, beside one that is written plainly ---- */

#define AREA (1 << 19)

static void
compare(sqlite3_file *file, const uint8_t *plain, sqlite3_int64 size)
{
	static uint8_t bytes[AREA];
	sqlite3_int64 found = 0;

	assert_int_equal(file->pMethods->xFileSize(file, &found), SQLITE_OK);
	assert_int_equal(found, size);
	for (int piece = 1; piece < 5; piece++) {
		sqlite3_int64 from = rand() % (size + 100);
		int n = 1 + rand() % 9000;
		sqlite3_int64 there = from + n <= size ? n : size - from;
		int rc = file->pMethods->xRead(file, bytes, n, from);

		assert_int_equal(rc, there == n ? SQLITE_OK : SQLITE_IOERR_SHORT_READ);
		there = there < 0 ? 0 : there;
		assert_memory_equal(bytes, plain + from, (size_t)there);
		for (sqlite3_int64 i = there; i < n; i++)
			assert_int_equal(bytes[i], 0);
	}
}

static void
reads_as_a_file_that_is_written_plainly(void **state)
{
	struct fixture *f = *state;
	static uint8_t plain[AREA], bytes[9000];
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;

	assert_int_equal(
		sqlite3_file_control(f->store->db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file),
		SQLITE_OK);
	assert_int_equal(file->pMethods->xTruncate(file, 0), SQLITE_OK);
	srand(7); /* NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time */
	for (int turn = 0; turn < 4000; turn++) {
		int what = rand() % 40;
		int n = 1 + rand() % 5000;
		sqlite3_int64 at = what > 4 && size + n < AREA - 10000 ? size
				   : size > n			       ? rand() % (size - n)
								       : 0;

		if (what == 0) {
			size = size * 3 / 4;
			assert_int_equal(file->pMethods->xTruncate(file, size), SQLITE_OK);
			memset(plain + size, 0, (size_t)(AREA - size));
		} else if (what == 1) {
			assert_int_equal(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL),
					 SQLITE_OK);
		} else {
			memset(bytes, turn % 255 + 1, (size_t)n);
			assert_int_equal(file->pMethods->xWrite(file, bytes, n, at), SQLITE_OK);
			memcpy(plain + at, bytes, (size_t)n);
			size = at + n > size ? at + n : size;
		}
		compare(file, plain, size);
	}
	assert_true(faults.writes > 100);
	assert_int_equal(file->pMethods->xTruncate(file, 0), SQLITE_OK);
}

#define WAL_TEST(name) cmocka_unit_test_setup_teardown(name, faulty_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		WAL_TEST(writes_the_pages_of_a_commit_at_once_before_its_sync),
		WAL_TEST(writes_nothing_before_the_commit),
		WAL_TEST(refuses_a_commit_whose_log_cannot_be_written),
		WAL_TEST(refuses_a_commit_whose_sync_fails),
		WAL_TEST(leaves_alone_what_another_process_wrote_after_a_failure),
		WAL_TEST(reads_as_a_file_that_is_written_plainly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
