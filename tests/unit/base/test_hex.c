/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hex.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
every_byte_comes_back(void **state)
{
	(void)state;
	uint8_t all[256];
	char text[513];
	BERTH_BUF hex = {0};
	BERTH_BUF back = {0};

	for (size_t i = 0; i < sizeof(all); i++) {
		all[i] = (uint8_t)i;
	}
	assert_int_equal(berth_hex_encode(berth_bytes_of(all, 256), &hex), BERTH_OK);
	assert_true(berth_bytes_equal_text(
		berth_buf_view(&hex),
		berth_hex_text(berth_bytes_of(all, 256), text, sizeof(text))));
	assert_int_equal(berth_hex_decode(berth_buf_view(&hex), &back, NULL), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&back), berth_bytes_of(all, 256)));
}

static void
reads_either_case_and_writes_lower(void **state)
{
	(void)state;
	BERTH_BUF out = {0};
	char text[5];

	assert_int_equal(berth_hex_decode(BERTH_LIT("aBCd"), &out, NULL), BERTH_OK);
	assert_string_equal(berth_hex_text(berth_buf_view(&out), text, sizeof(text)), "abcd");
}

static void
refuses_odd_and_foreign_digits(void **state)
{
	(void)state;
	static const struct {
		const char *in, *rule;
		size_t offset;
	} rows[] = {{"abc", "hex-odd-length", 3},
		    {"0g", "hex-digit", 1},
		    {"00 0", "hex-digit", 2},
		    {"0x", "hex-digit", 1},
		    {"00:0", "hex-digit", 2}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF out = {0};
		struct berth_why why = {0};

		assert_int_equal(berth_hex_decode(berth_text(rows[i].in), &out, &why),
				 BERTH_E_SYNTAX);
		assert_string_equal(why.rule, rows[i].rule);
		assert_int_equal(why.offset, rows[i].offset);
		assert_int_equal(out.n, 0);
	}
}

static void
what_does_not_fit_is_not_half_written(void **state)
{
	(void)state;
	BERTH_BUF out = {.limit = 3};

	assert_int_equal(berth_hex_encode(BERTH_LIT("ab"), &out), BERTH_E_LIMIT);
	assert_int_equal(out.n, 0);
	assert_int_equal(berth_hex_decode(BERTH_LIT("00112233"), &out, NULL), BERTH_E_LIMIT);
	assert_int_equal(out.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_comes_back),
		cmocka_unit_test(reads_either_case_and_writes_lower),
		cmocka_unit_test(refuses_odd_and_foreign_digits),
		cmocka_unit_test(what_does_not_fit_is_not_half_written),
	};

	return cmocka_run_group_tests_name("base/hex", tests, NULL, NULL);
}
