/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* RFC 4648 10 */
static const struct {
	const char *plain, *encoded;
} vectors[] = {
	{"", ""},
	{"f", "Zg=="},
	{"fo", "Zm8="},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg=="},
	{"fooba", "Zm9vYmE="},
	{"foobar", "Zm9vYmFy"},
};

static void
base64url_has_its_own_characters_and_no_padding(void **state)
{
	const struct berth_bytes plain = BERTH_LIT("\xfb\xff\xfe\x01");
	static const char *const wrong[] = {"-__-AQ==", "+//+AQ", "-__-A", "-__-AR", "-__-AQ\n"};
	BERTH_BUF encoded = {0};
	BERTH_BUF again = {0};

	(void)state;
	assert_int_equal(berth_base64url_encode(plain, &encoded), BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&encoded), "-__-AQ"));
	assert_int_equal(berth_base64url_decode(berth_buf_view(&encoded), &again, NULL), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&again), plain));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct berth_why why = {0};
		assert_int_equal(berth_base64url_decode(berth_text(wrong[i]), &again, &why),
				 BERTH_E_SYNTAX);
		assert_string_equal(why.rule, "base64-syntax");
	}
}

static void
agrees_with_the_rfcs_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		BERTH_BUF encoded = {0};
		BERTH_BUF plain = {0};

		assert_int_equal(berth_base64_encode(berth_text(vectors[i].plain), 0, &encoded),
				 BERTH_OK);
		assert_true(berth_bytes_equal_text(berth_buf_view(&encoded), vectors[i].encoded));
		assert_int_equal(
			berth_base64_decode(berth_text(vectors[i].encoded), false, &plain, NULL),
			BERTH_OK);
		assert_true(berth_bytes_equal_text(berth_buf_view(&plain), vectors[i].plain));
	}
}

static void
every_length_comes_back_with_lines(void **state)
{
	(void)state;
	uint8_t bytes[200];

	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] = (uint8_t)(i * 151 + 7);
	}
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		BERTH_BUF encoded = {0};
		BERTH_BUF plain = {0};

		assert_int_equal(berth_base64_encode(berth_bytes_of(bytes, n), 64, &encoded),
				 BERTH_OK);
		assert_true(n == 0 || encoded.p[encoded.n - 1] == '\n');
		assert_true(encoded.n < 66 || encoded.p[64] == '\n');
		assert_int_equal(berth_base64_decode(berth_buf_view(&encoded), true, &plain, NULL),
				 BERTH_OK);
		assert_true(berth_bytes_equal(berth_buf_view(&plain), berth_bytes_of(bytes, n)));
	}
}

static void
refuses_all_but_the_one_encoding(void **state)
{
	(void)state;
	static const struct {
		struct berth_bytes in;
		bool white_space;
	} rows[] = {
		{BERTH_LIT_INIT("Zg"), true},  /* no padding */
		{BERTH_LIT_INIT("Zg="), true}, /* half of it */
		{BERTH_LIT_INIT("Zg==="), true},
		{BERTH_LIT_INIT("Zg==Zg=="), true}, /* more after the end */
		{BERTH_LIT_INIT("Zh=="), true},	    /* unused bits set */
		{BERTH_LIT_INIT("Zm9="), true},	    /* unused bits set */
		{BERTH_LIT_INIT("Z==="), true},	    /* six bits are no byte */
		{BERTH_LIT_INIT("===="), true},
		{BERTH_LIT_INIT("Zg=A"), true},
		{BERTH_LIT_INIT("Zm-v"), true}, /* base64url */
		{BERTH_LIT_INIT("Zm9v!"), true},
		{BERTH_LIT_INIT("Zm9v\0"), true},
		{BERTH_LIT_INIT("Zm9v\n"), false},
		{BERTH_LIT_INIT(" Zm9v"), false},
		{BERTH_LIT_INIT("Zm\f9v"), true},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF out = {0};
		struct berth_why why = {0};

		print_message("%s\n", (const char *)rows[i].in.p);
		assert_int_equal(berth_base64_decode(rows[i].in, rows[i].white_space, &out, &why),
				 BERTH_E_SYNTAX);
		assert_string_equal(why.rule, "base64-syntax");
		assert_int_equal(out.n, 0);
	}
}

static void
allows_white_space_where_est_does(void **state)
{
	(void)state;
	BERTH_BUF out = {0};

	assert_int_equal(berth_base64_decode(BERTH_LIT(" Z\tm\r\n9\nv \n"), true, &out, NULL),
			 BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&out), "foo"));
}

static void
what_does_not_fit_is_not_half_written(void **state)
{
	(void)state;
	BERTH_BUF out = {.limit = 7};
	struct berth_why why = {0};

	assert_int_equal(berth_base64_encode(BERTH_LIT("foobar"), 0, &out), BERTH_E_LIMIT);
	assert_int_equal(out.n, 0);
	assert_int_equal(berth_base64_decode(BERTH_LIT("Zm9vYmFyZm9v"), false, &out, &why),
			 BERTH_E_LIMIT);
	assert_string_equal(why.rule, "base64-size");
	assert_int_equal(out.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_rfcs_vectors),
		cmocka_unit_test(base64url_has_its_own_characters_and_no_padding),
		cmocka_unit_test(every_length_comes_back_with_lines),
		cmocka_unit_test(refuses_all_but_the_one_encoding),
		cmocka_unit_test(allows_white_space_where_est_does),
		cmocka_unit_test(what_does_not_fit_is_not_half_written),
	};

	return cmocka_run_group_tests_name("base/base64", tests, NULL, NULL);
}
