/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/fixture.h"

#include "store/registrar_revocation.h"

#include <stdio.h>

static void
put_certificate(struct fixture *f, int row, int state, const char *serial_hex, int not_after)
{
	char sql[512];

	(void)snprintf(sql, sizeof(sql),
		       "INSERT INTO certificate (row, device, permission, issuer_key_id, serial,"
		       " subject, not_after, state, key_sha256, made_at, revoked_at,"
		       " revocation_reason) VALUES (%d, 1, %d, x'6361', x'%s', 's', %d, %d,"
		       " zeroblob(32), 1, %d, %d)",
		       row, row, serial_hex, not_after, state, state == 3 ? 77 : 0,
		       state == 3 ? 9 : 0);
	tamper(f, sql);
}

static struct berth_standing
standing(struct fixture *f, struct berth_bytes serial)
{
	struct berth_standing found;

	ok(f, berth_registrar_standing(f->store, BERTH_LIT("ca"), serial, &found, &f->why));
	return found;
}

static void
knows_what_was_issued_and_what_was_not(void **state)
{
	struct fixture *f = *state;

	put_certificate(f, 1, 0, "01", 100);
	put_certificate(f, 2, 1, "02", 100);
	put_certificate(f, 3, 2, "03", 100);
	put_certificate(f, 1000, 3, "04", 100);
	assert_false(standing(f, BERTH_LIT("\x01")).is_known);
	assert_true(standing(f, BERTH_LIT("\x02")).is_known);
	assert_false(standing(f, BERTH_LIT("\x02")).is_revoked);
	assert_int_equal(standing(f, BERTH_LIT("\x02")).partition, 1);
	assert_false(standing(f, BERTH_LIT("\x03")).is_known);
	assert_true(standing(f, BERTH_LIT("\x04")).is_revoked);
	assert_int_equal(standing(f, BERTH_LIT("\x04")).revoked_at.s, 77);
	assert_int_equal(standing(f, BERTH_LIT("\x04")).reason, 9);
	assert_int_equal(standing(f, BERTH_LIT("\x04")).partition, 2);
	assert_false(standing(f, BERTH_LIT("\x05")).is_known);
}

static bool
count(void *context, const struct berth_revoked *revoked)
{
	assert_int_equal(revoked->revoked_at.s, 77);
	++*(int *)context;
	return true;
}

static int
revoked_in(struct fixture *f, int64_t partition, int64_t ends_after)
{
	int n = 0;

	ok(f, berth_registrar_revoked_each(f->store, BERTH_LIT("ca"), partition,
					   (struct berth_wall){ends_after}, count, &n, &f->why));
	return n;
}

static void
each_list_has_its_part_and_what_has_ended_leaves_it(void **state)
{
	struct fixture *f = *state;
	int64_t last = 0;

	put_certificate(f, 1, 3, "01", 100);
	put_certificate(f, 999, 3, "02", 100);
	put_certificate(f, 1000, 3, "03", 200);
	put_certificate(f, 1001, 1, "04", 200);
	assert_int_equal(revoked_in(f, 1, 0), 2);
	assert_int_equal(revoked_in(f, 2, 0), 1);
	assert_int_equal(revoked_in(f, 3, 0), 0);
	assert_int_equal(revoked_in(f, BERTH_PARTITION_OWN, 0), 0);
	assert_int_equal(revoked_in(f, BERTH_PARTITION_ALL, 0), 3);
	assert_int_equal(revoked_in(f, BERTH_PARTITION_ALL, 100), 1);
	ok(f, berth_registrar_last_partition(f->store, &last, &f->why));
	assert_int_equal(last, 2);
}

static void
the_registrars_own_certificate_can_be_revoked_once(void **state)
{
	struct fixture *f = *state;
	const struct berth_credential own = {.issuer_key_id = BERTH_LIT("ca"),
					     .serial = BERTH_LIT("\x07"),
					     .subject = BERTH_LIT("registrar"),
					     .not_after = {200},
					     .state = BERTH_CREDENTIAL_ISSUED};

	begin(f);
	ok(f, berth_registrar_own_seen(f->store, &own, BERTH_PARTITION_OWN, now, &f->why));
	ok(f, berth_registrar_own_seen(f->store, &own, BERTH_PARTITION_OWN, now, &f->why));
	assert_true(standing(f, own.serial).is_known);
	assert_false(standing(f, own.serial).is_revoked);
	refused(f, BERTH_E_NOT_FOUND, "certificate-unknown",
		berth_registrar_own_revoke(f->store, own.issuer_key_id, BERTH_LIT("\x08"),
					   BERTH_REVOKED_KEY_COMPROMISE, now, &f->why));
	for (int64_t at = 77; at < 79; at++)
		ok(f, berth_registrar_own_revoke(f->store, own.issuer_key_id, own.serial,
						 BERTH_REVOKED_KEY_COMPROMISE,
						 (struct berth_wall){at}, &f->why));
	commit(f);
	assert_true(standing(f, own.serial).is_revoked);
	assert_int_equal(standing(f, own.serial).partition, BERTH_PARTITION_OWN);
	assert_int_equal(revoked_in(f, BERTH_PARTITION_OWN, 0), 1);
	assert_int_equal(revoked_in(f, BERTH_PARTITION_ALL, 0), 1);
}

/* What a restored store forgot names its list already: of a device that it forgot too, or of one that it knows. */
/* req: rfc5280-6.3-revoked */
static void
what_was_forgotten_stands_in_the_list_that_it_names(void **state)
{
	struct fixture *f = *state;
	const struct berth_credential lost = {.issuer_key_id = BERTH_LIT("ca"),
					      .serial = BERTH_LIT("\x07"),
					      .subject = BERTH_LIT("a forgotten device"),
					      .not_after = {200},
					      .state = BERTH_CREDENTIAL_ISSUED};
	int64_t last = 0;
	int64_t row = 0;

	put_certificate(f, 990, 1, "01", 200);
	begin(f);
	ok(f, berth_registrar_own_seen(f->store, &lost, 3, now, &f->why));
	ok(f, berth_registrar_own_revoke(f->store, lost.issuer_key_id, lost.serial,
					 BERTH_REVOKED_KEY_COMPROMISE, (struct berth_wall){77},
					 &f->why));
	commit(f);
	assert_true(standing(f, lost.serial).is_own);
	assert_int_equal(standing(f, lost.serial).partition, 3);
	assert_int_equal(revoked_in(f, 3, 0), 1);
	assert_int_equal(revoked_in(f, BERTH_PARTITION_OWN, 0), 0);
	assert_int_equal(revoked_in(f, BERTH_PARTITION_ALL, 0), 1);
	ok(f, berth_registrar_last_partition(f->store, &last, &f->why));
	assert_int_equal(last, 3);
	ok(f, berth_registrar_certificate_row_in(f->store, 1, &row, &f->why));
	assert_int_equal(row, 991);
	ok(f, berth_registrar_certificate_row_in(f->store, 2, &row, &f->why));
	assert_int_equal(row, 1000);
	ok(f, berth_registrar_certificate_row_in(f->store, 0, &row, &f->why));
	assert_int_equal(row, 0);
}

#define REGISTRAR_TEST(name)                                                                       \
	cmocka_unit_test_setup_teardown(name, registrar_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		REGISTRAR_TEST(knows_what_was_issued_and_what_was_not),
		REGISTRAR_TEST(each_list_has_its_part_and_what_has_ended_leaves_it),
		REGISTRAR_TEST(the_registrars_own_certificate_can_be_revoked_once),
		REGISTRAR_TEST(what_was_forgotten_stands_in_the_list_that_it_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
