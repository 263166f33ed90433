/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/audit.h"
#include "store/snapshot.h"

static void
append(struct fixture *f, const char *subject)
{
	ok(f, berth_audit_append(f->store, now, "judge", BERTH_EVENT_VOUCHER_ISSUED, subject,
				 BERTH_LIT("{\"nonce\":\"00\"}"), &f->why));
}

static void
append_three(struct fixture *f)
{
	begin(f);
	append(f, "CAM-1");
	append(f, "CAM-2");
	append(f, "CAM-3");
	commit(f);
}

/* The triggers guard against our own code; who owns the file drops them. */
#define UNGUARD                                                                                    \
	"DROP TRIGGER audit_is_append_only_update; DROP TRIGGER audit_is_append_only_delete;"

struct seen {
	int64_t entries;
	char last[32];
};

static bool
see(void *context, const struct berth_audit_entry *entry)
{
	struct seen *seen = context;

	assert_int_equal(entry->seq, seen->entries + 1);
	assert_int_equal(entry->at.s, now.s);
	assert_true(berth_bytes_equal_text(entry->actor, "judge"));
	assert_true(berth_bytes_equal_text(entry->event, "voucher.issued"));
	assert_true(berth_bytes_equal_text(entry->detail, "{\"nonce\":\"00\"}"));
	assert_true(entry->subject.n < sizeof seen->last);
	memcpy(seen->last, entry->subject.p, entry->subject.n);
	seen->last[entry->subject.n] = '\0';
	seen->entries++;
	return seen->entries < 2;
}

static void
tells_its_entries_in_order(void **state)
{
	struct fixture *f = *state;
	struct seen seen = {0};

	append_three(f);
	ok(f, berth_audit_each(f->store, 1, see, &seen, &f->why));
	assert_int_equal(seen.entries, 2);
	assert_string_equal(seen.last, "CAM-2");
}

static void
verifies_an_untouched_chain(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report;

	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_int_equal(report.entries, 0);
	assert_false(report.has_witness);
	append_three(f);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_int_equal(report.entries, 3);
	assert_true(report.has_witness);
}

static void
continues_the_chain_after_a_restart(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report;

	append_three(f);
	reopen(f);
	append_three(f);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_int_equal(report.entries, 6);
}

static void
verifies_a_file_that_is_only_read(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report;

	append_three(f);
	f->conf.read_only = true;
	reopen(f);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_int_equal(report.entries, 3);
	assert_true(report.has_witness);
	refused(f, BERTH_E_STATE, "store-read-only", berth_store_begin(f->store, &f->why));
}

static void
finds_the_entry_that_was_tampered_with(void **state)
{
	static const struct {
		const char *sql;
		const char *rule;
		int64_t broken;
	} rows[] = {
		{"UPDATE audit SET subject = 'CAM-9' WHERE seq = 2", "audit-hash", 2},
		{"UPDATE audit SET actor = 'other' WHERE seq = 1", "audit-hash", 1},
		{"UPDATE audit SET event = 'voucher.denied' WHERE seq = 3", "audit-hash", 3},
		{"UPDATE audit SET detail = '' WHERE seq = 3", "audit-hash", 3},
		{"UPDATE audit SET at = at + 1 WHERE seq = 2", "audit-hash", 2},
		{"UPDATE audit SET hash = zeroblob(32) WHERE seq = 2", "audit-hash", 2},
		{"UPDATE audit SET prev = zeroblob(32) WHERE seq = 2", "audit-chain", 2},
		{"DELETE FROM audit WHERE seq = 2", "audit-gap", 2},
		{"DELETE FROM audit WHERE seq = 1", "audit-gap", 1},
		{"DELETE FROM audit WHERE seq = 3", "audit-cut", 3},
		{"DELETE FROM audit", "audit-cut", 1},
		{"INSERT INTO audit SELECT 4, at, actor, event, subject, detail, prev, hash FROM "
		 "audit"
		 " WHERE seq = 3",
		 "audit-chain", 4},
		{"INSERT INTO audit SELECT 0, at, actor, event, subject, detail, prev, hash FROM "
		 "audit"
		 " WHERE seq = 3",
		 "audit-gap", 1},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture *f = NULL;
		struct berth_audit_report report;

		masa_setup((void **)&f);
		append_three(f);
		tamper(f, UNGUARD);
		tamper(f, rows[i].sql);
		print_message("%s\n", rows[i].sql);
		refused(f, BERTH_E_SIGNATURE, rows[i].rule,
			berth_audit_verify(f->store, &report, &f->why));
		assert_int_equal(report.broken_seq, rows[i].broken);
		fixture_teardown((void **)&f);
	}
	(void)state;
}

/* The chain alone cannot tell a log that was written anew from the start. */
static void
witness_finds_a_log_that_was_rewritten(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report;

	append_three(f);
	tamper(f, UNGUARD "DELETE FROM audit");
	f->conf.witness_path = NULL;
	reopen(f);
	begin(f);
	for (int i = 0; i < 4; i++)
		append(f, "CAM-7");
	commit(f);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	f->conf.witness_path = f->witness;
	f->conf.read_only = true;
	reopen(f);
	refused(f, BERTH_E_SIGNATURE, "audit-witness",
		berth_audit_verify(f->store, &report, &f->why));
	assert_int_equal(report.broken_seq, 3);
}

/* An older file put back by hand: the first commit would write the witness over. */
static void
refuses_to_go_on_with_a_log_older_than_its_witness(void **state)
{
	struct fixture *f = *state;
	char old[120];
	struct berth_store *store = NULL;

	snprintf(old, sizeof old, "%s/old.db", f->folder);
	begin(f);
	append(f, "CAM-1");
	commit(f);
	ok(f, berth_store_snapshot(f->store, old, &f->why));
	append_three(f);
	berth_store_close(f->store);
	f->store = NULL;
	struct berth_store_conf conf = f->conf;
	conf.path = old;
	refused(f, BERTH_E_SIGNATURE, "audit-older-than-witness",
		berth_store_open(&conf, &store, &f->why));
	assert_null(store);
	/* control: without its witness nobody could tell */
	conf.witness_path = NULL;
	ok(f, berth_store_open(&conf, &store, &f->why));
	berth_store_close(store);
	/* and the newer file is welcome */
	ok(f, berth_store_open(&f->conf, &f->store, &f->why));
	snprintf(old, sizeof old, "rm -f %s/old.db*", f->folder);
	assert_int_equal(system(old), 0);
}

static void
tells_a_log_that_ends_before_its_witness(void **state)
{
	struct fixture *f = *state;
	uint8_t hash[BERTH_DIGEST_BYTES];
	int64_t seq = 0;

	append_three(f);
	ok(f, berth_audit_witness_peek(f->witness, &seq, hash, &f->why));
	assert_int_equal(seq, 3);
	ok(f, berth_audit_has(f->store, seq, hash, &f->why));
	refused(f, BERTH_E_SIGNATURE, "audit-older-than-witness",
		berth_audit_has(f->store, 4, hash, &f->why));
	refused(f, BERTH_E_SIGNATURE, "audit-witness", berth_audit_has(f->store, 2, hash, &f->why));
	ok(f, berth_audit_witness_peek("/nonexistent", &seq, hash, &f->why));
	assert_int_equal(seq, 0);
}

static void
a_snapshot_holds_what_was_committed_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report = {0};
	struct berth_store *store = NULL;
	char path[120];

	snprintf(path, sizeof path, "%s/copy.db", f->folder);
	append_three(f);
	begin(f);
	append(f, "CAM-4"); /* not committed yet: another connection must not see it */
	struct berth_store_conf reading = f->conf;
	struct berth_store *reader = NULL;
	reading.read_only = true;
	reading.witness_path = NULL;
	ok(f, berth_store_open(&reading, &reader, &f->why));
	ok(f, berth_store_snapshot(reader, path, &f->why));
	berth_store_close(reader);
	commit(f);
	struct berth_store_conf conf = reading;
	conf.path = path;
	ok(f, berth_store_open(&conf, &store, &f->why));
	ok(f, berth_store_check(store, &report, &f->why));
	assert_int_equal(report.entries, 3);
	berth_store_close(store);
	refused(f, BERTH_E_IO, "store-snapshot", berth_store_snapshot(f->store, path, &f->why));
	snprintf(path, sizeof path, "rm -f %s/copy.db*", f->folder);
	assert_int_equal(system(path), 0);
}

static void
finds_a_damaged_page(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report = {0};
	struct berth_store *store = NULL;
	char path[120];
	static const uint8_t junk[64] = {0xff, 0x5a};

	snprintf(path, sizeof path, "%s/copy.db", f->folder);
	append_three(f);
	ok(f, berth_store_snapshot(f->store, path, &f->why));
	struct berth_store_conf conf = f->conf;
	conf.path = path;
	conf.read_only = true;
	conf.witness_path = NULL;
	ok(f, berth_store_open(&conf, &store, &f->why));
	ok(f, berth_store_check(store, &report, &f->why));
	berth_store_close(store);
	int fd = open(path, O_WRONLY);
	off_t end = lseek(fd, 0, SEEK_END);
	assert_int_equal(pwrite(fd, junk, sizeof junk, end - 4096), sizeof junk);
	close(fd);
	ok(f, berth_store_open(&conf, &store, &f->why));
	assert_int_not_equal(berth_store_check(store, &report, &f->why), BERTH_OK);
	berth_store_close(store);
	snprintf(path, sizeof path, "rm -f %s/copy.db*", f->folder);
	assert_int_equal(system(path), 0);
}

static void
tolerates_a_witness_that_lags_behind(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report;

	append_three(f);
	f->conf.witness_path = NULL;
	reopen(f);
	append_three(f);
	f->conf.witness_path = f->witness;
	reopen(f);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_true(report.has_witness);
}

/* The chain's end is kept in memory within a transaction; what is undone leaves it too. */
static void
chains_to_what_was_not_undone(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report;

	begin(f);
	append(f, "CAM-1");
	ok(f, berth_store_savepoint(f->store, &f->why));
	append(f, "CAM-2");
	ok(f, berth_store_rollback(f->store, &f->why));
	append(f, "CAM-3");
	commit(f);
	begin(f);
	append(f, "CAM-4");
	berth_store_abort(f->store);
	begin(f);
	append(f, "CAM-5");
	commit(f);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_int_equal(report.entries, 3);
}

static void
chains_to_what_another_process_has_written(void **state)
{
	struct fixture *f = *state;
	struct berth_store *other = NULL;
	struct berth_store_conf conf = f->conf;
	struct berth_audit_report report;

	conf.witness_path = NULL;
	ok(f, berth_store_open(&conf, &other, &f->why));
	append_three(f);
	ok(f, berth_store_begin(other, &f->why));
	ok(f, berth_audit_append(other, now, "admin", BERTH_EVENT_STARTED, "", BERTH_BYTES_NONE,
				 &f->why));
	ok(f, berth_store_commit(other, &f->why));
	append_three(f);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_int_equal(report.entries, 7);
	berth_store_close(other);
}

/* As after a kill between a commit and its line. */
static void
first_commit_brings_a_witness_up_that_lags_behind(void **state)
{
	struct fixture *f = *state;
	uint8_t hash[BERTH_DIGEST_BYTES];
	int64_t seq = 0;

	append_three(f);
	f->conf.witness_path = NULL;
	reopen(f);
	append_three(f);
	f->conf.witness_path = f->witness;
	reopen(f);
	ok(f, berth_audit_witness_peek(f->witness, &seq, hash, &f->why));
	assert_int_equal(seq, 3);
	begin(f);
	commit(f);
	ok(f, berth_audit_witness_peek(f->witness, &seq, hash, &f->why));
	assert_int_equal(seq, 6);
}

static void
refuses_a_witness_that_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	struct berth_store *other = NULL;
	int fd = open(f->witness, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "berth-witness-1 3 xyz\n", 22), 22);
	close(fd);
	refused(f, BERTH_E_SYNTAX, "audit-witness-form",
		berth_store_open(&f->conf, &other, &f->why));
}

/* A power cut may leave the first line's place and not its letters. */
static void
takes_a_witness_of_zeros_for_none(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report;
	static const char zeros[102];
	int fd;

	append_three(f);
	fd = open(f->witness, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, zeros, sizeof zeros), sizeof zeros);
	close(fd);
	reopen(f);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_int_equal(report.entries, 3);
	append_three(f);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_true(report.has_witness);
}

static void
refuses_entries_that_are_too_long_or_no_text(void **state)
{
	struct fixture *f = *state;
	char actor[BERTH_AUDIT_ACTOR_MAX + 2];

	memset(actor, 'a', sizeof actor - 1);
	actor[sizeof actor - 1] = '\0';
	begin(f);
	refused(f, BERTH_E_LIMIT, "audit-size",
		berth_audit_append(f->store, now, actor, BERTH_EVENT_STARTED, "", BERTH_BYTES_NONE,
				   &f->why));
	refused(f, BERTH_E_SYNTAX, "audit-text",
		berth_audit_append(f->store, now, "judge", BERTH_EVENT_STARTED, "\xff",
				   BERTH_BYTES_NONE, &f->why));
	commit(f);
}

static void
never_changes_or_removes_an_entry(void **state)
{
	struct fixture *f = *state;
	struct berth_audit_report report;
	sqlite3 *db = NULL;

	append_three(f);
	assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "DELETE FROM audit", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(db, "UPDATE audit SET at = 0", NULL, NULL, NULL),
			     SQLITE_OK);
	sqlite3_close(db);
	ok(f, berth_audit_verify(f->store, &report, &f->why));
}

#define MASA_TEST(name) cmocka_unit_test_setup_teardown(name, masa_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MASA_TEST(tells_its_entries_in_order),
		MASA_TEST(verifies_an_untouched_chain),
		MASA_TEST(continues_the_chain_after_a_restart),
		MASA_TEST(verifies_a_file_that_is_only_read),
		cmocka_unit_test(finds_the_entry_that_was_tampered_with),
		MASA_TEST(witness_finds_a_log_that_was_rewritten),
		MASA_TEST(refuses_to_go_on_with_a_log_older_than_its_witness),
		MASA_TEST(tells_a_log_that_ends_before_its_witness),
		MASA_TEST(a_snapshot_holds_what_was_committed_and_nothing_else),
		MASA_TEST(finds_a_damaged_page),
		MASA_TEST(tolerates_a_witness_that_lags_behind),
		MASA_TEST(chains_to_what_was_not_undone),
		MASA_TEST(chains_to_what_another_process_has_written),
		MASA_TEST(first_commit_brings_a_witness_up_that_lags_behind),
		MASA_TEST(refuses_a_witness_that_cannot_be_read),
		MASA_TEST(takes_a_witness_of_zeros_for_none),
		MASA_TEST(refuses_entries_that_are_too_long_or_no_text),
		MASA_TEST(never_changes_or_removes_an_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
