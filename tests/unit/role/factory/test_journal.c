/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/journal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "system/files.h"

#define NOW ((struct berth_wall){1790000000})
#define JOURNAL_BYTES ((size_t)1 << 20)

struct world {
	char folder[64];
	char path[80];
	struct berth_journal *journal;
	const struct berth_journal_batch *batch;
};

static void
open_again(struct world *w)
{
	struct berth_why why = {0};
	berth_journal_close(w->journal);
	w->journal = NULL;
	assert_int_equal(berth_journal_open(w->folder, &w->journal, &why), BERTH_OK);
	w->batch = berth_journal_batch_for(w->journal, "/out/one");
}

static int
start(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct berth_why why = {0};
	assert_non_null(w);
	snprintf(w->folder, sizeof(w->folder), "/tmp/berth-journal-XXXXXX");
	assert_non_null(mkdtemp(w->folder));
	snprintf(w->path, sizeof(w->path), "%s/journal", w->folder);
	open_again(w);
	const struct berth_journal_batch batch = {
		.id = BERTH_LIT("aa"), .created = NOW, .out = BERTH_LIT("/out/one")};
	assert_int_equal(berth_journal_begin(w->journal, &batch, &w->batch, &why), BERTH_OK);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;
	char lock[80];
	berth_journal_close(w->journal);
	snprintf(lock, sizeof(lock), "%s/lock", w->folder);
	unlink(lock);
	unlink(w->path);
	rmdir(w->folder);
	free(w);
	return 0;
}

static enum berth_err
intend(struct world *w, const char *serial, uint8_t certificate)
{
	const uint8_t number[BERTH_CERT_SERIAL_BYTES] = {0x40, certificate};
	struct berth_why why = {0};
	return berth_journal_intend(w->journal, w->batch, berth_text(serial), number, &why);
}

static enum berth_err
made(struct world *w, const char *serial, uint8_t key, struct berth_why *why)
{
	struct berth_journal_unit unit = {
		.serial = berth_text(serial),
		.batch = w->batch,
		.certificate_serial = {0x40, key},
		.subject_serial = berth_text(serial),
		.model = BERTH_LIT("cam"),
		.issuer_key_id = BERTH_LIT("\x01\x02"),
		.storage = BERTH_LIT("file"),
		.masa_url = BERTH_LIT("masa.example"),
	};
	memset(unit.key_sha256, key, sizeof(unit.key_sha256));
	return berth_journal_made(w->journal, &unit, why);
}

static void
commit(struct world *w)
{
	struct berth_why why = {0};
	assert_int_equal(berth_journal_commit(w->journal, &why), BERTH_OK);
}

static const struct berth_journal_unit *
find(struct world *w, const char *serial)
{
	return berth_journal_find(w->journal, berth_text(serial));
}

static void
remembers_what_was_committed(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	assert_int_equal(intend(w, "A-1", 1), BERTH_OK);
	assert_int_equal(intend(w, "A-2", 2), BERTH_OK);
	assert_int_equal(made(w, "A-1", 1, &why), BERTH_OK);
	commit(w);
	open_again(w);
	const struct berth_journal_unit *unit = find(w, "A-1");
	assert_non_null(unit);
	assert_true(unit->is_made && !unit->is_begun && unit->batch == w->batch);
	assert_true(berth_bytes_equal_text(unit->model, "cam"));
	assert_true(berth_bytes_equal_text(unit->mud_url, ""));
	assert_int_equal(unit->certificate_serial[1], 1);
	assert_true(find(w, "A-2")->is_begun && !find(w, "A-2")->is_made);
	assert_null(find(w, "A-3"));
	assert_ptr_equal(berth_journal_find_key(w->journal, unit->key_sha256), unit);
	assert_ptr_equal(berth_journal_at(w->journal, 0), unit);
	assert_null(berth_journal_at(w->journal, 2));
}

static void
forgets_what_was_not_committed(void **state)
{
	struct world *w = *state;
	commit(w);
	assert_int_equal(intend(w, "A-1", 1), BERTH_OK);
	open_again(w);
	assert_null(find(w, "A-1"));
}

static void
makes_no_unit_twice(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	assert_int_not_equal(made(w, "A-1", 1, &why), BERTH_OK);
	assert_int_equal(intend(w, "A-1", 1), BERTH_OK);
	assert_int_equal(made(w, "A-1", 1, &why), BERTH_OK);
	assert_int_not_equal(made(w, "A-1", 2, &why), BERTH_OK);
	assert_int_not_equal(intend(w, "A-1", 2), BERTH_OK);
}

static void
gives_no_key_to_two_units(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	assert_int_equal(intend(w, "A-1", 1), BERTH_OK);
	assert_int_equal(intend(w, "A-2", 2), BERTH_OK);
	assert_int_equal(made(w, "A-1", 1, &why), BERTH_OK);
	assert_int_equal(made(w, "A-2", 1, &why), BERTH_E_EXISTS);
	assert_string_equal(why.rule, "unit-key-reused");
	commit(w);
	open_again(w);
	assert_false(find(w, "A-2")->is_made);
	assert_int_equal(made(w, "A-2", 2, &why), BERTH_OK);
}

static void
a_failed_unit_is_free_again(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	assert_int_equal(intend(w, "A-1", 1), BERTH_OK);
	assert_int_equal(berth_journal_abandon(w->journal, BERTH_LIT("A-1"), &why), BERTH_OK);
	assert_int_not_equal(made(w, "A-1", 1, &why), BERTH_OK);
	commit(w);
	open_again(w);
	assert_false(find(w, "A-1")->is_begun);
	assert_int_equal(intend(w, "A-1", 2), BERTH_OK);
	assert_int_equal(made(w, "A-1", 2, &why), BERTH_OK);
}

static void
remembers_who_bought_what(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	const struct berth_journal_owner owner = {.domain_id = BERTH_LIT("\x07\x08"),
						  .name = BERTH_LIT("Home")};
	const struct berth_journal_owner bad = {.domain_id = BERTH_LIT("\x07\x08"),
						.name = BERTH_LIT("Ho\tme")};
	assert_int_equal(intend(w, "A-1", 1), BERTH_OK);
	assert_int_not_equal(berth_journal_sold(w->journal, BERTH_LIT("A-1"), &owner, NOW,
						BERTH_BYTES_NONE, &why),
			     BERTH_OK);
	assert_int_equal(made(w, "A-1", 1, &why), BERTH_OK);
	assert_int_equal(
		berth_journal_sold(w->journal, BERTH_LIT("A-1"), &bad, NOW, BERTH_BYTES_NONE, &why),
		BERTH_E_USAGE);
	assert_int_equal(berth_journal_sold(w->journal, BERTH_LIT("A-1"), &owner, NOW,
					    BERTH_LIT("order 7"), &why),
			 BERTH_OK);
	commit(w);
	open_again(w);
	assert_true(find(w, "A-1")->is_sold);
	assert_true(berth_bytes_equal(find(w, "A-1")->sold_to.domain_id, owner.domain_id));
}

/* Wherever the power went, what was whole before stays and the rest is as if never written. */
static void
survives_a_cut_at_every_byte(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	BERTH_BUF whole = {0};
	commit(w);
	assert_int_equal(berth_file_read(w->path, JOURNAL_BYTES, &whole, &why), BERTH_OK);
	size_t safe = whole.n;
	assert_int_equal(intend(w, "A-1", 1), BERTH_OK);
	assert_int_equal(made(w, "A-1", 1, &why), BERTH_OK);
	commit(w);
	assert_int_equal(berth_file_read(w->path, JOURNAL_BYTES, &whole, &why), BERTH_OK);
	for (size_t n = safe; n < whole.n; n++) {
		struct berth_bytes cut = berth_bytes_of(whole.p, n);
		assert_int_equal(berth_file_write(w->path, cut, 0600, &why), BERTH_OK);
		open_again(w);
		assert_non_null(w->batch);
		const struct berth_journal_unit *unit = find(w, "A-1");
		assert_false(unit && unit->is_made);
		/* and it goes on from there */
		assert_int_equal(intend(w, "A-1", 2), BERTH_OK);
		assert_int_equal(made(w, "A-1", 2, &why), BERTH_OK);
		commit(w);
		open_again(w);
		assert_true(find(w, "A-1")->is_made);
	}
}

static void
refuses_a_journal_with_a_changed_line(void **state)
{
	struct world *w = *state;
	struct berth_why why = {0};
	BERTH_BUF whole = {0};
	assert_int_equal(intend(w, "A-1", 1), BERTH_OK);
	commit(w);
	assert_int_equal(berth_file_read(w->path, JOURNAL_BYTES, &whole, &why), BERTH_OK);
	whole.p[12] ^= 1;
	assert_int_equal(berth_file_write(w->path, berth_buf_view(&whole), 0600, &why), BERTH_OK);
	berth_journal_close(w->journal);
	w->journal = NULL;
	assert_int_equal(berth_journal_open(w->folder, &w->journal, &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "journal-damaged");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(remembers_what_was_committed), TEST(forgets_what_was_not_committed),
		TEST(makes_no_unit_twice),	    TEST(gives_no_key_to_two_units),
		TEST(a_failed_unit_is_free_again),  TEST(remembers_who_bought_what),
		TEST(survives_a_cut_at_every_byte), TEST(refuses_a_journal_with_a_changed_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
