/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/fixture.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool
see_counter(void *context, const char *name, int64_t value)
{
	int64_t *sum = context;

	assert_string_equal(name, "vouchers_issued_total");
	*sum += value;
	return true;
}

static int64_t
counter(struct fixture *f)
{
	int64_t sum = 0;

	ok(f, berth_store_counters(f->store, see_counter, &sum, &f->why));
	return sum;
}

static enum berth_err
count(struct fixture *f)
{
	return berth_store_count(f->store, "vouchers_issued_total", 1, &f->why);
}

static void
keeps_what_was_committed(void **state)
{
	struct fixture *f = *state;

	begin(f);
	ok(f, count(f));
	ok(f, count(f));
	commit(f);
	reopen(f);
	assert_int_equal(counter(f), 2);
}

static void
forgets_what_was_aborted(void **state)
{
	struct fixture *f = *state;

	begin(f);
	ok(f, count(f));
	berth_store_abort(f->store);
	berth_store_abort(f->store);
	assert_int_equal(counter(f), 0);
}

static void
undoes_one_request_of_a_batch(void **state)
{
	struct fixture *f = *state;

	begin(f);
	ok(f, berth_store_savepoint(f->store, &f->why));
	ok(f, count(f));
	ok(f, berth_store_release(f->store, &f->why));
	ok(f, berth_store_savepoint(f->store, &f->why));
	ok(f, count(f));
	ok(f, berth_store_rollback(f->store, &f->why));
	commit(f);
	assert_int_equal(counter(f), 1);
}

static void
refuses_writes_and_borders_out_of_order(void **state)
{
	struct fixture *f = *state;

	refused(f, BERTH_E_STATE, "store-no-transaction", count(f));
	refused(f, BERTH_E_STATE, "store-no-transaction", berth_store_commit(f->store, &f->why));
	refused(f, BERTH_E_STATE, "store-no-transaction", berth_store_savepoint(f->store, &f->why));
	begin(f);
	refused(f, BERTH_E_STATE, "store-nested", berth_store_begin(f->store, &f->why));
	refused(f, BERTH_E_STATE, "store-savepoint", berth_store_release(f->store, &f->why));
	refused(f, BERTH_E_STATE, "store-savepoint", berth_store_rollback(f->store, &f->why));
	ok(f, berth_store_savepoint(f->store, &f->why));
	refused(f, BERTH_E_STATE, "store-savepoint", berth_store_savepoint(f->store, &f->why));
	commit(f);
}

static void
refuses_the_file_of_another_daemon(void **state)
{
	struct fixture *f = *state;
	struct berth_store *other = NULL;

	f->conf.schema = BERTH_STORE_REGISTRAR;
	refused(f, BERTH_E_MISMATCH, "store-schema", berth_store_open(&f->conf, &other, &f->why));
	f->conf.schema = BERTH_STORE_MASA;
	ok(f, berth_store_open(&f->conf, &other, &f->why));
	berth_store_close(other);
}

static void
refuses_a_file_of_a_newer_berth(void **state)
{
	struct fixture *f = *state;
	struct berth_store *other = NULL;

	tamper(f, "UPDATE berth_schema SET version = 99 WHERE name = 'masa'");
	refused(f, BERTH_E_MISMATCH, "store-newer", berth_store_open(&f->conf, &other, &f->why));
	f->conf.read_only = true;
	refused(f, BERTH_E_MISMATCH, "store-newer", berth_store_open(&f->conf, &other, &f->why));
}

static void
refuses_a_file_that_others_may_read(void **state)
{
	struct fixture *f = *state;
	struct berth_store *other = NULL;

	assert_int_equal(chmod(f->path, 0640), 0);
	refused(f, BERTH_E_USAGE, "store-mode", berth_store_open(&f->conf, &other, &f->why));
	assert_int_equal(chmod(f->path, 0600), 0);
	ok(f, berth_store_open(&f->conf, &other, &f->why));
	berth_store_close(other);
}

static void
makes_its_file_private(void **state)
{
	struct fixture *f = *state;
	struct stat facts;

	assert_int_equal(stat(f->path, &facts), 0);
	assert_int_equal(facts.st_mode & 0777, 0600);
}

static void
gives_up_on_a_lock_that_is_never_released(void **state)
{
	struct fixture *f = *state;
	struct berth_store *other = NULL;

	f->conf.busy_timeout_ms = 20;
	ok(f, berth_store_open(&f->conf, &other, &f->why));
	begin(f);
	refused(f, BERTH_E_TIMEOUT, "store-locked", berth_store_begin(other, &f->why));
	commit(f);
	ok(f, berth_store_begin(other, &f->why));
	berth_store_close(other);
}

/* Two processes take turns without a failed transaction. */
static void
several_writers_all_get_their_turn(void **state)
{
	enum { WRITERS = 3, TURNS = 40 };
	struct fixture *f = *state;
	pid_t children[WRITERS];

	berth_store_closep(&f->store);
	for (int w = 0; w < WRITERS; w++) {
		children[w] = fork();
		assert_true(children[w] >= 0);
		if (children[w] > 0)
			continue;
		struct berth_store *store = NULL;
		f->conf.witness_path = NULL;
		if (berth_store_open(&f->conf, &store, &f->why))
			_exit(1);
		for (int i = 0; i < TURNS; i++) {
			if (berth_store_begin(store, &f->why) ||
			    berth_store_count(store, "vouchers_issued_total", 1, &f->why) ||
			    berth_store_commit(store, &f->why))
				_exit(2);
		}
		berth_store_close(store);
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		int status = -1;
		assert_int_equal(waitpid(children[w], &status, 0), children[w]);
		assert_int_equal(status, 0);
	}
	ok(f, berth_store_open(&f->conf, &f->store, &f->why));
	assert_int_equal(counter(f), WRITERS * TURNS);
}

#define MASA_TEST(name) cmocka_unit_test_setup_teardown(name, masa_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MASA_TEST(keeps_what_was_committed),
		MASA_TEST(forgets_what_was_aborted),
		MASA_TEST(undoes_one_request_of_a_batch),
		MASA_TEST(refuses_writes_and_borders_out_of_order),
		MASA_TEST(refuses_the_file_of_another_daemon),
		MASA_TEST(refuses_a_file_of_a_newer_berth),
		MASA_TEST(refuses_a_file_that_others_may_read),
		MASA_TEST(makes_its_file_private),
		MASA_TEST(gives_up_on_a_lock_that_is_never_released),
		MASA_TEST(several_writers_all_get_their_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
