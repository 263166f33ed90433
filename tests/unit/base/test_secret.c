/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/secret.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
a_secret_is_a_copy_and_compares(void **state)
{
	(void)state;
	BERTH_SECRET secret = {0};
	char source[] = "psk";

	assert_int_equal(berth_secret_copy(&secret, berth_bytes_of(source, 3)), BERTH_OK);
	source[0] = 'x';
	assert_true(berth_secret_equal(&secret, BERTH_LIT("psk")));
	assert_false(berth_secret_equal(&secret, BERTH_LIT("psl")));
	assert_false(berth_secret_equal(&secret, BERTH_LIT("ps")));
	assert_true(berth_bytes_equal_secretly(BERTH_BYTES_NONE, BERTH_LIT("")));
}

static void
a_freed_secret_is_empty(void **state)
{
	(void)state;
	struct berth_secret secret = {0};

	assert_int_equal(berth_secret_copy(&secret, BERTH_BYTES_NONE), BERTH_OK);
	assert_non_null(secret.p);
	berth_secret_free(&secret);
	assert_null(secret.p);
	berth_secret_free(&secret);
	berth_secret_free(NULL);
}

static void
wiping_leaves_nothing(void **state)
{
	(void)state;
	char text[] = "secret";

	berth_wipe(text, sizeof(text));
	berth_wipe(NULL, 0);
	for (size_t i = 0; i < sizeof(text); i++) {
		assert_int_equal(text[i], 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_a_copy_and_compares),
		cmocka_unit_test(a_freed_secret_is_empty),
		cmocka_unit_test(wiping_leaves_nothing),
	};

	return cmocka_run_group_tests_name("base/secret", tests, NULL, NULL);
}
