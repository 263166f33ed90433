/* SPDX-License-Identifier: BSD-2-Clause */
/* What the signer demands of a voucher, whoever asks, and the message it is asked with. */
#include "role/masa/masa_signer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/masa_world.h"

#define LIFETIME_S 3600

static struct masa_world world;

static int
start(void **state)
{
	(void)state;
	masa_world_start(&world);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	masa_world_end(&world);
	return 0;
}

static struct berth_voucher
good_voucher(void)
{
	return (struct berth_voucher){
		.kind = BERTH_VOUCHER,
		.has_created_on = true,
		.created_on = world.now,
		.assertion = BERTH_ASSERTION_LOGGED,
		.serial_number = BERTH_LIT(WORLD_SERIAL),
		.nonce = BERTH_LIT("0123456789abcdef"),
		.pinned_domain_cert = berth_cert_der(world.domain.cert),
	};
}

static void
expect(const struct berth_voucher *voucher, struct berth_wall signing_time, const char *rule)
{
	struct berth_why why = {0};
	enum berth_err err = berth_masa_signer_check(world.maker.pki, voucher, signing_time,
						     world.now, LIFETIME_S, &why);

	if (!rule) {
		assert_int_equal(err, BERTH_OK);
		return;
	}
	assert_int_not_equal(err, BERTH_OK);
	assert_string_equal(why.rule, rule);
}

static void
signs_a_voucher_of_now(void **state)
{
	(void)state;
	const struct berth_voucher voucher = good_voucher();

	expect(&voucher, world.now, NULL);
}

static void
signs_nothing_dated_otherwise(void **state)
{
	(void)state;
	struct berth_voucher voucher = good_voucher();

	expect(&voucher, (struct berth_wall){world.now.s + 301}, "masa-signer-time");
	voucher.created_on.s -= 301;
	expect(&voucher, world.now, "masa-signer-time");
}

static void
signs_no_voucher_that_lives_too_long(void **state)
{
	(void)state;
	struct berth_voucher voucher = good_voucher();

	voucher.nonce = BERTH_BYTES_NONE;
	voucher.has_expires_on = true;
	voucher.expires_on.s = world.now.s + LIFETIME_S;
	expect(&voucher, world.now, NULL);
	voucher.expires_on.s = world.now.s + LIFETIME_S + 301;
	expect(&voucher, world.now, "masa-signer-lifetime");
	voucher.expires_on = world.now;
	expect(&voucher, world.now, "masa-signer-lifetime");
}

static void
signs_nothing_but_complete_vouchers(void **state)
{
	(void)state;
	struct berth_voucher voucher = good_voucher();

	voucher.pinned_domain_cert = BERTH_LIT("no certificate");
	struct berth_why why = {0};
	assert_int_not_equal(berth_masa_signer_check(world.maker.pki, &voucher, world.now,
						     world.now, LIFETIME_S, &why),
			     BERTH_OK);
	voucher = good_voucher();
	voucher.prior_signed_voucher_request = BERTH_LIT("x");
	expect(&voucher, world.now, "rfc8366-5.3-prior-signed-present");
	voucher = good_voucher();
	voucher.nonce = BERTH_BYTES_NONE;
	expect(&voucher, world.now, "rfc8366-5.3-unlimited");
}

static void
reads_the_message_that_it_writes(void **state)
{
	(void)state;
	const struct berth_sign_voucher said = {BERTH_LIT("{\"a\":1}"), {1790000000}};
	struct berth_sign_voucher heard = {0};
	BERTH_BUF payload = {0};

	assert_int_equal(berth_sign_voucher_encode(&said, &payload), BERTH_OK);
	assert_int_equal(berth_sign_voucher_decode(berth_buf_view(&payload), &heard, NULL),
			 BERTH_OK);
	assert_true(berth_bytes_equal(said.json, heard.json));
	assert_int_equal(heard.signing_time.s, said.signing_time.s);
	for (size_t n = 0; n < payload.n; n++)
		assert_int_not_equal(
			berth_sign_voucher_decode(berth_bytes_of(payload.p, n), &heard, NULL),
			BERTH_OK);
}

#define test_in_world(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_world(signs_a_voucher_of_now),
		test_in_world(signs_nothing_dated_otherwise),
		test_in_world(signs_no_voucher_that_lives_too_long),
		test_in_world(signs_nothing_but_complete_vouchers),
		cmocka_unit_test(reads_the_message_that_it_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
