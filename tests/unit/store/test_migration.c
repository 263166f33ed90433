/* SPDX-License-Identifier: BSD-2-Clause */
/* Stores of version 1 with rows in them, opened by this Berth. */
#include "store/fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include "store/migrations.h"
#include "store/registrar_store.h"

static void
run(sqlite3 *db, const char *sql)
{
	char *text = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &text) != SQLITE_OK)
		fail_msg("%s: %s", sql, text);
}

/* As version 1 made it. */
static sqlite3 *
make_version_1(const struct fixture *f)
{
	sqlite3 *db = NULL;
	int fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	run(db, "CREATE TABLE berth_schema (name TEXT PRIMARY KEY, version INTEGER NOT NULL)"
		" STRICT, WITHOUT ROWID; PRAGMA application_id = 0x42657252;"
		" INSERT INTO berth_schema VALUES ('common', 1), ('registrar', 1)");
	for (size_t i = 0; i < berth_migration_count; i++) {
		const struct berth_migration *m = &berth_migrations[i];

		if (m->version == 1 && strcmp(m->name, "masa") != 0)
			run(db, m->sql);
	}
	return db;
}

static int
setup(void **state)
{
	int rc = registrar_setup(state);
	struct fixture *f = *state;

	berth_store_close(f->store);
	f->store = NULL;
	unlink(f->path);
	unlink(f->witness);
	return rc;
}

static void
keeps_what_a_voucher_step_of_version_1_has_collected(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_step step;
	sqlite3 *db = make_version_1(f);

	run(db,
	    "INSERT INTO device VALUES (7, 'd7', x'01', 'A1', 'Acme', 'm', x'', '', '', 2, 5, 6);"
	    " INSERT INTO step VALUES (3, 7, x'aa', zeroblob(32), x'b0b0', zeroblob(32), '{}', "
	    "'masa', 2,"
	    " x'c0', x'd0d1', 0, '', 'clean', x'7b7d', 8, 9);"
	    " INSERT INTO step VALUES (4, 7, x'ab', randomblob(32), x'b1', zeroblob(32), '{}', "
	    "'masa', 0,"
	    " x'', x'', 0, '', '', x'', 8, 9);"
	    " INSERT INTO permission (device, step, expires) VALUES (7, 3, 99)");
	sqlite3_close(db);
	ok(f, berth_store_open(&f->conf, &f->store, &f->why));

	ok(f, berth_registrar_step_get(f->store, 3, &f->arena, &step, &f->why));
	assert_int_equal(step.state, BERTH_STEP_VOUCHER);
	assert_true(berth_bytes_equal(step.pvr, BERTH_LIT("\xb0\xb0")));
	assert_true(berth_bytes_equal(step.rvr, BERTH_LIT("\xc0")));
	assert_true(berth_bytes_equal(step.voucher, BERTH_LIT("\xd0\xd1")));
	assert_true(berth_bytes_equal_text(step.audit_json, "{}"));
	assert_true(berth_bytes_equal_text(step.audit_finding, "clean"));
	assert_int_equal(step.asked_at.s, 8);
	assert_int_equal(step.changed_at.s, 9);

	/* and goes on from there, the permission's step being the same one */
	begin(f);
	ok(f, berth_registrar_step_set_status(f->store, 3, true, "", now, &f->why));
	ok(f, berth_registrar_permission_grant(f->store, 7, 3, (struct berth_wall){now.s + 60},
					       &f->why));
	ok(f, berth_registrar_step_set_rvr(f->store, 4, BERTH_LIT("r"), now, &f->why));
	commit(f);
	ok(f, berth_registrar_step_latest(f->store, 7, &f->arena, &step, &f->why));
	assert_int_equal(step.row, 4);
	assert_true(berth_bytes_equal_text(step.rvr, "r"));
	assert_int_equal(step.voucher.n, 0);
}

static void
leaves_no_row_that_points_nowhere(void **state)
{
	struct fixture *f = *state;
	sqlite3_stmt *check = NULL;
	sqlite3 *db = make_version_1(f);

	run(db,
	    "INSERT INTO device VALUES (7, 'd7', x'01', 'A1', 'Acme', 'm', x'', '', '', 2, 5, 6);"
	    " INSERT INTO step VALUES (3, 7, x'aa', zeroblob(32), x'b0', zeroblob(32), '{}', 'm', "
	    "0, x'', x'',"
	    " 0, '', '', x'', 8, 9); INSERT INTO permission (device, step, expires) VALUES (7, 3, "
	    "99)");
	sqlite3_close(db);
	ok(f, berth_store_open(&f->conf, &f->store, &f->why));
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA foreign_key_check", -1, &check, NULL),
			 SQLITE_OK);
	assert_int_equal(sqlite3_step(check), SQLITE_DONE);
	sqlite3_finalize(check);
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT count(*) FROM pragma_foreign_key_list('permission')"
				   " WHERE \"table\" = 'voucher_step'",
				   -1, &check, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(check), SQLITE_ROW);
	assert_int_equal(sqlite3_column_int(check, 0), 1);
	sqlite3_finalize(check);
	sqlite3_close(db);
}

/* A certificate names the permission that it came of by number, so a later one must not get the number of one that is gone. */
static void
gives_no_permission_the_number_of_one_that_is_gone(void **state)
{
	struct fixture *f = *state;
	struct berth_registrar_permission permission;
	sqlite3 *db = make_version_1(f);

	run(db,
	    "INSERT INTO device VALUES (7, 'd7', x'01', 'A1', 'Acme', 'm', x'', '', '', 2, 5, 6);"
	    " INSERT INTO step VALUES (3, 7, x'aa', zeroblob(32), x'b0', zeroblob(32), '{}', 'm', "
	    "0, x'', x'',"
	    " 0, '', '', x'', 8, 9); INSERT INTO permission (row, device, step, expires) VALUES "
	    "(41, 7, 3, 99); DELETE FROM permission");
	sqlite3_close(db);
	ok(f, berth_store_open(&f->conf, &f->store, &f->why));
	begin(f);
	ok(f, berth_registrar_permission_grant(f->store, 7, 3, (struct berth_wall){now.s + 60},
					       &f->why));
	commit(f);
	ok(f, berth_registrar_permission_get(f->store, 7, &permission, &f->why));
	assert_int_equal(permission.row, 42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			keeps_what_a_voucher_step_of_version_1_has_collected, setup,
			fixture_teardown),
		cmocka_unit_test_setup_teardown(leaves_no_row_that_points_nowhere, setup,
						fixture_teardown),
		cmocka_unit_test_setup_teardown(gives_no_permission_the_number_of_one_that_is_gone,
						setup, fixture_teardown),
	};

	return cmocka_run_group_tests_name("store/migration", tests, NULL, NULL);
}
