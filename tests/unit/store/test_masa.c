/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/masa_store.h"

#define DOMAIN_A BERTH_LIT("domain-A-key-id-....")
#define DOMAIN_B BERTH_LIT("domain-B-key-id-....")
#define KEY_A BERTH_LIT("the SHA-256 of the key of Ann CA")
#define KEY_B BERTH_LIT("the SHA-256 of the key of Bob CA")
#define NONCE_1 BERTH_LIT("\x01\x02\x03\x04\x05\x06\x07\x08")
#define NONCE_2 BERTH_LIT("\x11\x12\x13\x14\x15\x16\x17\x18")

static struct berth_masa_unit
camera(const char *serial)
{
	return (struct berth_masa_unit){
		.identity = identity(serial),
		.model = BERTH_LIT("cam-4"),
		.idevid_key_sha256 = BERTH_LIT("0123456789abcdef0123456789abcdef"),
	};
}

static int64_t
load(struct fixture *f, const char *serial)
{
	struct berth_masa_unit unit = camera(serial);
	int64_t row = 0;
	bool is_new = false;

	ok(f, berth_masa_unit_load(f->store, &unit, now, &row, &is_new, &f->why));
	assert_true(row > 0);
	return row;
}

static struct berth_masa_voucher
wanted(int64_t unit, struct berth_bytes domain, struct berth_bytes nonce, const char *request)
{
	struct berth_masa_voucher voucher = {
		.unit = unit,
		.domain_id = domain,
		.nonce = nonce,
		.assertion = BERTH_LIT("proximity"),
		.payload = BERTH_LIT("{}"),
		.asked_at = now,
		.outstanding_until = {now.s + 600},
	};

	digest_of(request, voucher.request_sha256);
	return voucher;
}

static struct berth_masa_voucher
ask(struct fixture *f, const struct berth_masa_voucher *voucher, bool expect_new)
{
	struct berth_masa_voucher ret = {0};
	bool is_new = false;

	ok(f,
	   berth_masa_voucher_begin(f->store, voucher, "judge", &f->arena, &ret, &is_new, &f->why));
	assert_int_equal(is_new, expect_new);
	return ret;
}

static void
issue(struct fixture *f, int64_t row, const char *bytes)
{
	ok(f, berth_masa_voucher_issue(f->store, row, berth_text(bytes), now, "judge", &f->why));
}

static void
loading_a_unit_again_is_harmless(void **state)
{
	struct fixture *f = *state;
	struct berth_masa_unit unit = camera("CAM-1");
	int64_t first = 0;
	int64_t second = 0;
	bool is_new = false;

	begin(f);
	ok(f, berth_masa_unit_load(f->store, &unit, now, &first, &is_new, &f->why));
	assert_true(is_new);
	ok(f, berth_masa_unit_load(f->store, &unit, now, &second, &is_new, &f->why));
	assert_false(is_new);
	assert_int_equal(first, second);
	commit(f);
}

static void
refuses_a_load_that_contradicts_by_name(void **state)
{
	struct fixture *f = *state;
	struct berth_masa_unit unit = camera("CAM-1");
	int64_t row = 0;
	bool is_new = false;

	begin(f);
	load(f, "CAM-1");
	unit.model = BERTH_LIT("cam-5");
	refused(f, BERTH_E_EXISTS, "unit-conflict",
		berth_masa_unit_load(f->store, &unit, now, &row, &is_new, &f->why));
	assert_non_null(strstr(f->why.sentence, "CAM-1 is already there with another model"));
	unit = camera("CAM-1");
	unit.idevid_key_sha256 = BERTH_LIT("fedcba9876543210fedcba9876543210");
	refused(f, BERTH_E_EXISTS, "unit-conflict",
		berth_masa_unit_load(f->store, &unit, now, &row, &is_new, &f->why));
	assert_non_null(strstr(f->why.sentence, "birth key"));
	unit.identity.serial_number = BERTH_BYTES_NONE;
	refused(f, BERTH_E_SYNTAX, "device-serial-number",
		berth_masa_unit_load(f->store, &unit, now, &row, &is_new, &f->why));
	commit(f);
}

static bool
count_unit(void *context, const struct berth_masa_unit *unit)
{
	assert_true(berth_bytes_starts_with(unit->identity.serial_number, "CAM-"));
	++*(int *)context;
	return true;
}

static void
loads_thousands_in_one_transaction(void **state)
{
	struct fixture *f = *state;
	char serial[16];
	int seen = 0;

	begin(f);
	for (int i = 0; i < BERTH_MASA_LOAD_BATCH; i++) {
		snprintf(serial, sizeof serial, "CAM-%d", i);
		load(f, serial);
	}
	commit(f);
	ok(f, berth_masa_unit_each(f->store, 0, count_unit, &seen, &f->why));
	assert_int_equal(seen, BERTH_MASA_LOAD_BATCH);
}

static void
finds_a_unit_by_manufacturer_and_serial(void **state)
{
	struct fixture *f = *state;
	struct berth_masa_unit unit;
	struct berth_device_identity other = identity("CAM-1");

	begin(f);
	load(f, "CAM-1");
	commit(f);
	struct berth_device_identity mine = identity("CAM-1");
	ok(f, berth_masa_unit_find(f->store, &mine, &f->arena, &unit, &f->why));
	assert_true(berth_bytes_equal_text(unit.model, "cam-4"));
	other.manufacturer_key = BERTH_LIT("other");
	refused(f, BERTH_E_NOT_FOUND, "masa-unknown-device",
		berth_masa_unit_find(f->store, &other, &f->arena, &unit, &f->why));
}

static void
a_serial_alone_must_be_the_only_one(void **state)
{
	struct fixture *f = *state;
	struct berth_masa_unit unit = camera("CAM-1");
	int64_t row = 0;
	bool is_new = false;

	begin(f);
	load(f, "CAM-1");
	ok(f, berth_masa_unit_find_by_serial(f->store, berth_text("CAM-1"), &f->arena, &unit,
					     &f->why));
	unit.identity.manufacturer_key = BERTH_LIT("other");
	ok(f, berth_masa_unit_load(f->store, &unit, now, &row, &is_new, &f->why));
	refused(f, BERTH_E_EXISTS, "masa-serial-ambiguous",
		berth_masa_unit_find_by_serial(f->store, berth_text("CAM-1"), &f->arena, &unit,
					       &f->why));
	refused(f, BERTH_E_NOT_FOUND, "masa-unknown-device",
		berth_masa_unit_find_by_serial(f->store, berth_text("CAM-2"), &f->arena, &unit,
					       &f->why));
	commit(f);
}

static void
blocks_a_unit(void **state)
{
	struct fixture *f = *state;
	struct berth_device_identity who = identity("CAM-1");
	struct berth_masa_unit unit;

	begin(f);
	int64_t row = load(f, "CAM-1");
	ok(f, berth_masa_unit_set_status(f->store, row, BERTH_MASA_UNIT_BLOCKED, &f->why));
	refused(f, BERTH_E_NOT_FOUND, "masa-unknown-device",
		berth_masa_unit_set_status(f->store, row + 1, BERTH_MASA_UNIT_BLOCKED, &f->why));
	commit(f);
	ok(f, berth_masa_unit_find(f->store, &who, &f->arena, &unit, &f->why));
	assert_int_equal(unit.status, BERTH_MASA_UNIT_BLOCKED);
}

static void
a_unit_has_one_owner_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct berth_masa_owner owner;
	struct berth_masa_owner a = {.domain_id = DOMAIN_A, .name = BERTH_LIT("Ann"), .since = now};
	struct berth_masa_owner b = {.domain_id = DOMAIN_B, .name = BERTH_LIT("Bob"), .since = now};
	bool was = true;

	begin(f);
	int64_t unit = load(f, "CAM-1");
	refused(f, BERTH_E_NOT_FOUND, "owner-none",
		berth_masa_owner_current(f->store, unit, now, &f->arena, &owner, &f->why));
	refused(f, BERTH_E_NOT_FOUND, "owner-none",
		berth_masa_owner_end(f->store, unit, now, &f->why));
	ok(f, berth_masa_owner_set(f->store, unit, &a, &f->why));
	ok(f, berth_masa_owner_set(f->store, unit, &a, &f->why));
	refused(f, BERTH_E_EXISTS, "owner-conflict",
		berth_masa_owner_set(f->store, unit, &b, &f->why));
	assert_non_null(strstr(f->why.sentence, "belongs to Ann"));
	ok(f, berth_masa_domain_was_owner(f->store, unit, DOMAIN_B, KEY_B, &was, &f->why));
	assert_false(was);
	ok(f, berth_masa_owner_end(f->store, unit, (struct berth_wall){now.s + 10}, &f->why));
	ok(f, berth_masa_owner_current(f->store, unit, now, &f->arena, &owner, &f->why));
	assert_true(berth_bytes_equal_text(owner.name, "Ann"));
	ok(f, berth_masa_owner_set(f->store, unit, &b, &f->why));
	ok(f, berth_masa_owner_current(f->store, unit, (struct berth_wall){now.s + 20}, &f->arena,
				       &owner, &f->why));
	assert_true(berth_bytes_equal_text(owner.name, "Bob"));
	ok(f, berth_masa_domain_was_owner(f->store, unit, DOMAIN_A, KEY_A, &was, &f->why));
	assert_true(was);
	commit(f);
}

/* Wrong codes that were counted by a clock a year ahead are forgotten once it is set right. */
static void
a_clock_set_back_locks_nobody_out(void **state)
{
	struct fixture *f = *state;
	const struct berth_wall ahead = {now.s + (int64_t)365 * 86400};
	int64_t wait = 0;

	begin(f);
	for (int i = 0; i < 2; i++)
		ok(f, berth_masa_claim_wrong(f->store, 7, ahead, &f->why));
	ok(f, berth_masa_claim_wait(f->store, 7, 2, ahead, &wait, &f->why));
	assert_int_equal(wait, BERTH_MASA_CLAIM_WINDOW_S);
	ok(f, berth_masa_claim_wait(f->store, 7, 2, now, &wait, &f->why));
	assert_int_equal(wait, 0);
	ok(f, berth_masa_claim_wrong(f->store, 7, now, &f->why));
	ok(f, berth_masa_claim_wait(f->store, 7, 2, now, &wait, &f->why));
	assert_int_equal(wait, 0);
	ok(f, berth_masa_claim_wrong(f->store, 7, now, &f->why));
	ok(f,
	   berth_masa_claim_wait(f->store, 7, 2, (struct berth_wall){now.s + 60}, &wait, &f->why));
	assert_int_equal(wait, BERTH_MASA_CLAIM_WINDOW_S - 60);
	commit(f);
}

/* Anybody can make a CA with the key identifier of another's, but not one with its key. */
/* req: rfc8995-5.8.1-2 */
static void
an_owner_is_known_by_its_key(void **state)
{
	struct fixture *f = *state;
	const struct berth_masa_owner a = {.domain_id = DOMAIN_A,
					   .domain_key_sha256 = KEY_A,
					   .name = BERTH_LIT("Ann"),
					   .since = now};
	bool was = true;

	begin(f);
	int64_t unit = load(f, "CAM-1");
	ok(f, berth_masa_owner_set(f->store, unit, &a, &f->why));
	struct berth_masa_voucher request = wanted(unit, DOMAIN_A, NONCE_1, "rvr");
	issue(f, ask(f, &request, true).row, "signed");
	ok(f, berth_masa_domain_was_owner(f->store, unit, DOMAIN_A, KEY_B, &was, &f->why));
	assert_false(was);
	ok(f, berth_masa_domain_was_owner(f->store, unit, DOMAIN_B, KEY_A, &was, &f->why));
	assert_true(was);
	commit(f);
}

static void
an_identical_request_finds_its_row_again(void **state)
{
	struct fixture *f = *state;

	begin(f);
	int64_t unit = load(f, "CAM-1");
	struct berth_masa_voucher request = wanted(unit, DOMAIN_A, NONCE_1, "rvr");
	struct berth_masa_voucher first = ask(f, &request, true);
	assert_int_equal(first.state, BERTH_MASA_VOUCHER_INTENT);
	assert_int_equal(ask(f, &request, false).row, first.row);
	issue(f, first.row, "signed");
	struct berth_masa_voucher again = ask(f, &request, false);
	assert_int_equal(again.state, BERTH_MASA_VOUCHER_ISSUED);
	assert_true(berth_bytes_equal_text(again.voucher, "signed"));
	/* The smallest change is another request. */
	struct berth_masa_voucher other = wanted(unit, DOMAIN_A, NONCE_1, "rvr2");
	assert_int_not_equal(ask(f, &other, true).row, first.row);
	other = wanted(unit, DOMAIN_A, NONCE_2, "rvr");
	assert_int_not_equal(ask(f, &other, true).row, first.row);
	commit(f);
}

static void
issuing_writes_voucher_log_and_audit_together(void **state)
{
	struct fixture *f = *state;
	struct berth_masa_log log;
	struct berth_audit_report report;

	begin(f);
	int64_t unit = load(f, "CAM-1");
	struct berth_masa_voucher request = wanted(unit, DOMAIN_A, NONCE_1, "rvr");
	int64_t row = ask(f, &request, true).row;
	ok(f, berth_masa_log_read(f->store, unit, &f->arena, &log, &f->why));
	assert_int_equal(log.n, 0);
	commit(f);
	begin(f);
	issue(f, row, "signed");
	berth_store_abort(f->store);
	ok(f, berth_masa_log_read(f->store, unit, &f->arena, &log, &f->why));
	assert_int_equal(log.n, 0);
	begin(f);
	issue(f, row, "signed");
	issue(f, row, "signed");
	refused(f, BERTH_E_STATE, "masa-voucher-state",
		berth_masa_voucher_issue(f->store, row, berth_text("other"), now, "judge",
					 &f->why));
	commit(f);
	ok(f, berth_masa_log_read(f->store, unit, &f->arena, &log, &f->why));
	assert_int_equal(log.n, 1);
	assert_true(berth_bytes_equal(log.events[0].domain_id, DOMAIN_A));
	assert_true(berth_bytes_equal(log.events[0].nonce, NONCE_1));
	assert_true(berth_bytes_equal_text(log.events[0].assertion, "proximity"));
	ok(f, berth_audit_verify(f->store, &report, &f->why));
	assert_int_equal(report.entries, 2);
}

static void
a_failed_voucher_can_be_asked_for_anew(void **state)
{
	struct fixture *f = *state;

	begin(f);
	int64_t unit = load(f, "CAM-1");
	struct berth_masa_voucher request = wanted(unit, DOMAIN_A, NONCE_1, "rvr");
	int64_t row = ask(f, &request, true).row;
	ok(f, berth_masa_voucher_fail(f->store, row, now, "judge", "signer-gone", &f->why));
	refused(f, BERTH_E_STATE, "masa-voucher-state",
		berth_masa_voucher_issue(f->store, row, berth_text("late"), now, "judge", &f->why));
	struct berth_masa_voucher again = ask(f, &request, true);
	assert_int_equal(again.row, row);
	assert_int_equal(again.state, BERTH_MASA_VOUCHER_INTENT);
	issue(f, row, "signed");
	commit(f);
}

static void
counts_outstanding_vouchers_of_other_domains(void **state)
{
	struct fixture *f = *state;
	int64_t n = -1;

	begin(f);
	int64_t unit = load(f, "CAM-1");
	struct berth_masa_voucher request = wanted(unit, DOMAIN_A, NONCE_1, "rvr");
	int64_t row = ask(f, &request, true).row;
	ok(f, berth_masa_voucher_outstanding(f->store, unit, DOMAIN_B, now, &n, &f->why));
	assert_int_equal(n, 1);
	ok(f, berth_masa_voucher_outstanding(f->store, unit, DOMAIN_A, now, &n, &f->why));
	assert_int_equal(n, 0);
	issue(f, row, "signed");
	struct berth_wall later = {now.s + 600};
	ok(f, berth_masa_voucher_outstanding(f->store, unit, DOMAIN_B, later, &n, &f->why));
	assert_int_equal(n, 0);
	commit(f);
}

static void
fill_log(struct fixture *f, int64_t unit, int n, int domains, bool nonced)
{
	char text[32];
	static int request_number;

	for (int i = 0; i < n; i++) {
		char domain[32];
		snprintf(text, sizeof text, "request-%d", request_number++);
		snprintf(domain, sizeof domain, "domain-%d", i % domains);
		struct berth_masa_voucher request =
			wanted(unit, berth_text(domain),
			       nonced ? berth_text(text) : BERTH_BYTES_NONE, text);
		issue(f, ask(f, &request, true).row, "signed");
	}
}

/* req: rfc8995-5.8.1-j1 */
static void
truncation_removes_duplicates_first_and_counts_them(void **state)
{
	struct fixture *f = *state;
	struct berth_masa_log log;
	int64_t stands_for = 0;

	begin(f);
	int64_t unit = load(f, "CAM-1");
	fill_log(f, unit, BERTH_MASA_LOG_EVENTS_MAX + 5, 2, true);
	ok(f, berth_masa_log_read(f->store, unit, &f->arena, &log, &f->why));
	assert_int_equal(log.n, BERTH_MASA_LOG_EVENTS_MAX);
	assert_int_equal(log.nonced_duplicates, 5);
	assert_int_equal(log.nonceless_duplicates, 0);
	assert_int_equal(log.arbitrary, 0);
	for (size_t i = 0; i < log.n; i++)
		stands_for += log.events[i].truncated;
	assert_int_equal(stands_for, 5);
	commit(f);
}

/* req: rfc8995-5.8.1-j1 */
static void
truncation_without_duplicates_is_arbitrary(void **state)
{
	struct fixture *f = *state;
	struct berth_masa_log log;

	begin(f);
	int64_t unit = load(f, "CAM-1");
	fill_log(f, unit, BERTH_MASA_LOG_EVENTS_MAX + 3, BERTH_MASA_LOG_EVENTS_MAX + 3, false);
	ok(f, berth_masa_log_read(f->store, unit, &f->arena, &log, &f->why));
	assert_int_equal(log.arbitrary, 3);
	assert_true(berth_bytes_equal_text(log.events[log.n - 1].domain_id, "domain-3"));
	fill_log(f, unit, 1, 1, true);
	fill_log(f, unit, 1, 1, false);
	fill_log(f, unit, 1, 1, false);
	ok(f, berth_masa_log_read(f->store, unit, &f->arena, &log, &f->why));
	assert_int_equal(log.n, BERTH_MASA_LOG_EVENTS_MAX);
	assert_int_equal(log.arbitrary, 5);
	assert_int_equal(log.nonceless_duplicates, 1);
	assert_int_equal(log.nonced_duplicates, 0);
	commit(f);
}

static bool
remember(void *context, const struct berth_masa_voucher *voucher)
{
	int64_t *rows = context;

	rows[0]++;
	rows[1] = voucher->row;
	assert_true(berth_bytes_equal(voucher->nonce, NONCE_2));
	return true;
}

/* The child dies without warning in the given step; what was committed is there, the rest is not. */
static void
killed_between_operations_loses_nothing(void **state)
{
	for (int step = 0; step < 5; step++) {
		struct fixture *f = NULL;
		struct berth_audit_report report;
		struct berth_masa_log log;
		int64_t open_intents[2] = {0};
		int status = 0;

		masa_setup((void **)&f);
		berth_store_closep(&f->store);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			ok(f, berth_store_open(&f->conf, &f->store, &f->why));
			begin(f);
			int64_t unit = load(f, "CAM-1");
			struct berth_masa_voucher one = wanted(unit, DOMAIN_A, NONCE_1, "one");
			struct berth_masa_voucher two = wanted(unit, DOMAIN_A, NONCE_2, "two");
			int64_t first = ask(f, &one, true).row;
			if (step == 0)
				kill(getpid(), SIGKILL);
			commit(f);
			if (step == 1)
				kill(getpid(), SIGKILL);
			begin(f);
			issue(f, first, "signed");
			if (step == 2)
				kill(getpid(), SIGKILL);
			commit(f);
			if (step == 3)
				kill(getpid(), SIGKILL);
			begin(f);
			ask(f, &two, true);
			commit(f);
			kill(getpid(), SIGKILL);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

		ok(f, berth_store_open(&f->conf, &f->store, &f->why));
		ok(f, berth_audit_verify(f->store, &report, &f->why));
		static const int64_t entries[] = {0, 1, 1, 2, 3};
		static const int64_t events[] = {0, 0, 0, 1, 1};
		assert_int_equal(report.entries, entries[step]);
		ok(f, berth_masa_log_read(f->store, 1, &f->arena, &log, &f->why));
		assert_int_equal(log.n, events[step]);
		if (step == 4) {
			ok(f, berth_masa_voucher_each_intent(f->store, remember, open_intents,
							     &f->why));
			assert_int_equal(open_intents[0], 1);
			begin(f);
			issue(f, open_intents[1], "signed after all");
			commit(f);
		}
		if (step == 1 || step == 2) {
			begin(f);
			struct berth_masa_voucher one = wanted(1, DOMAIN_A, NONCE_1, "one");
			issue(f, ask(f, &one, false).row, "signed after all");
			commit(f);
		}
		ok(f, berth_audit_verify(f->store, &report, &f->why));
		fixture_teardown((void **)&f);
	}
	(void)state;
}

/* ---- custody ---- */

static struct berth_masa_custody
hand(int64_t depth, const char *holder, const char *manifest,
     uint8_t digests[2][BERTH_DIGEST_BYTES])
{
	digest_of(holder, digests[0]);
	digest_of(manifest, digests[1]);
	return (struct berth_masa_custody){
		.depth = depth,
		.holder_key_sha256 = berth_bytes_of(digests[0], BERTH_DIGEST_BYTES),
		.name = berth_text(holder),
		.manifest_sha256 = berth_bytes_of(digests[1], BERTH_DIGEST_BYTES),
	};
}

static void
a_unit_went_through_one_hand_at_a_time(void **state)
{
	struct fixture *f = *state;
	uint8_t digests[2][BERTH_DIGEST_BYTES];
	int64_t depth = 0;

	begin(f);
	int64_t unit = load(f, "CAM-1");
	struct berth_masa_custody link = hand(0, "integrator", "sale", digests);
	ok(f, berth_masa_custody_add(f->store, unit, &link, now, &f->why));
	ok(f, berth_masa_custody_add(f->store, unit, &link, now, &f->why));
	link = hand(1, "reseller", "transfer", digests);
	ok(f, berth_masa_custody_add(f->store, unit, &link, now, &f->why));
	ok(f, berth_masa_custody_depth(f->store, unit, &depth, &f->why));
	assert_int_equal(depth, 2);
	link = hand(1, "stranger", "another", digests);
	refused(f, BERTH_E_EXISTS, "custody-fork",
		berth_masa_custody_add(f->store, unit, &link, now, &f->why));
	assert_non_null(strstr(f->why.sentence, "reseller"));
	assert_non_null(strstr(f->why.sentence, "stranger"));
	commit(f);
}

static void
a_chain_that_ended_does_not_return(void **state)
{
	struct fixture *f = *state;
	uint8_t digests[2][BERTH_DIGEST_BYTES];

	begin(f);
	int64_t unit = load(f, "CAM-1");
	struct berth_masa_custody link = hand(0, "integrator", "sale", digests);
	ok(f, berth_masa_custody_add(f->store, unit, &link, now, &f->why));
	ok(f, berth_masa_custody_end(f->store, unit, now, &f->why));
	refused(f, BERTH_E_STATE, "custody-ended",
		berth_masa_custody_add(f->store, unit, &link, now, &f->why));
	link = hand(0, "integrator", "sold anew", digests);
	ok(f, berth_masa_custody_add(f->store, unit, &link, now, &f->why));
	commit(f);
}

#define MASA_TEST(name) cmocka_unit_test_setup_teardown(name, masa_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		MASA_TEST(loading_a_unit_again_is_harmless),
		MASA_TEST(refuses_a_load_that_contradicts_by_name),
		MASA_TEST(loads_thousands_in_one_transaction),
		MASA_TEST(finds_a_unit_by_manufacturer_and_serial),
		MASA_TEST(a_serial_alone_must_be_the_only_one),
		MASA_TEST(blocks_a_unit),
		MASA_TEST(a_unit_has_one_owner_at_a_time),
		MASA_TEST(an_owner_is_known_by_its_key),
		MASA_TEST(a_clock_set_back_locks_nobody_out),
		MASA_TEST(a_unit_went_through_one_hand_at_a_time),
		MASA_TEST(a_chain_that_ended_does_not_return),
		MASA_TEST(an_identical_request_finds_its_row_again),
		MASA_TEST(issuing_writes_voucher_log_and_audit_together),
		MASA_TEST(a_failed_voucher_can_be_asked_for_anew),
		MASA_TEST(counts_outstanding_vouchers_of_other_domains),
		MASA_TEST(truncation_removes_duplicates_first_and_counts_them),
		MASA_TEST(truncation_without_duplicates_is_arbitrary),
		cmocka_unit_test(killed_between_operations_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
