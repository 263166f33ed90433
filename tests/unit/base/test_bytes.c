/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
compares_views(void **state)
{
	(void)state;
	assert_true(berth_bytes_equal(BERTH_BYTES_NONE, BERTH_LIT("")));
	assert_true(berth_bytes_equal_text(berth_bytes_of("abc", 2), "ab"));
	assert_false(berth_bytes_equal_text(BERTH_LIT("ab"), "abc"));
	assert_false(berth_bytes_equal_text(BERTH_LIT("a\0b"), "a"));
	assert_true(berth_bytes_equal_text(BERTH_BYTES_NONE, NULL));
	assert_true(berth_bytes_equal_nocase(BERTH_LIT("Text/HTML"), BERTH_LIT("tEXT/html")));
	assert_false(berth_bytes_equal_nocase(BERTH_LIT("a["), BERTH_LIT("a{")));
	assert_false(berth_bytes_equal_nocase(BERTH_LIT("a"), BERTH_LIT("ab")));
	assert_true(berth_bytes_starts_with(BERTH_LIT("/.well-known/x"), "/.well-known/"));
	assert_false(berth_bytes_starts_with(BERTH_LIT("/."), "/.well-known/"));
	assert_true(berth_bytes_starts_with(BERTH_BYTES_NONE, ""));
}

static void
orders_by_length_then_bytes(void **state)
{
	(void)state;
	assert_true(berth_bytes_compare(BERTH_LIT("z"), BERTH_LIT("aa")) < 0);
	assert_true(berth_bytes_compare(BERTH_LIT("ab"), BERTH_LIT("aa")) > 0);
	assert_true(berth_bytes_compare(BERTH_LIT("\xff"), BERTH_LIT("a")) > 0);
	assert_int_equal(berth_bytes_compare(BERTH_BYTES_NONE, BERTH_LIT("")), 0);
}

static void
knows_printable_ascii(void **state)
{
	(void)state;
	assert_true(berth_bytes_is_printable(BERTH_LIT(" ~")));
	assert_false(berth_bytes_is_printable(BERTH_LIT("a\x1f")));
	assert_false(berth_bytes_is_printable(BERTH_LIT("a\x7f")));
	assert_false(berth_bytes_is_printable(BERTH_LIT("\xc3\xa9")));
}

static void
knows_well_formed_utf8(void **state)
{
	(void)state;
	static const struct {
		struct berth_bytes in;
		bool is_utf8;
	} rows[] = {
		{BERTH_LIT_INIT(""), true},
		{BERTH_LIT_INIT("a\x7f"), true},
		{BERTH_LIT_INIT("\xc2\x80\xdf\xbf"), true},
		{BERTH_LIT_INIT("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), true},
		{BERTH_LIT_INIT("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), true},
		{BERTH_LIT_INIT("a\0b"), false},	     /* NUL */
		{BERTH_LIT_INIT("\x80"), false},	     /* continuation alone */
		{BERTH_LIT_INIT("\xc1\xbf"), false},	     /* overlong */
		{BERTH_LIT_INIT("\xe0\x9f\xbf"), false},     /* overlong */
		{BERTH_LIT_INIT("\xf0\x8f\xbf\xbf"), false}, /* overlong */
		{BERTH_LIT_INIT("\xed\xa0\x80"), false},     /* surrogate */
		{BERTH_LIT_INIT("\xf4\x90\x80\x80"), false}, /* beyond U+10FFFF */
		{BERTH_LIT_INIT("\xf5\x80\x80\x80"), false},
		{BERTH_LIT_INIT("\xc3"), false}, /* cut off */
		{BERTH_LIT_INIT("\xe2\x82"), false},
		{BERTH_LIT_INIT("\xe2\x28\xa1"), false},
		{BERTH_LIT_INIT("\xf0\x90\x80\x28"), false},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("row %zu\n", i);
		assert_int_equal(berth_bytes_is_utf8(rows[i].in), rows[i].is_utf8);
	}
}

static void
a_buffer_grows_to_its_limit_and_not_beyond(void **state)
{
	(void)state;
	BERTH_BUF buf = {.limit = 100};

	for (int i = 0; i < 100; i++) {
		assert_int_equal(berth_buf_append_u8(&buf, (uint8_t)i), BERTH_OK);
	}
	assert_int_equal(berth_buf_append_u8(&buf, 0), BERTH_E_LIMIT);
	assert_int_equal(berth_buf_append(&buf, "x", SIZE_MAX), BERTH_E_LIMIT);
	assert_int_equal(buf.n, 100);
	assert_int_equal(buf.p[99], 99);
	assert_int_equal(berth_buf_append(&buf, NULL, 0), BERTH_OK);
	berth_buf_clear(&buf);
	assert_int_equal(buf.n, 0);
	assert_int_equal(berth_buf_append_text(&buf, "again"), BERTH_OK);
}

static void
integers_are_big_endian(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};

	assert_int_equal(berth_buf_append_u8(&buf, 1), BERTH_OK);
	assert_int_equal(berth_buf_append_u16(&buf, 0x0203), BERTH_OK);
	assert_int_equal(berth_buf_append_u32(&buf, 0x04050607), BERTH_OK);
	assert_int_equal(berth_buf_append_u64(&buf, 0x08090a0b0c0d0e0f), BERTH_OK);
	assert_int_equal(buf.n, 15);
	for (size_t i = 0; i < buf.n; i++) {
		assert_int_equal(buf.p[i], i + 1);
	}
}

static void
prints_after_what_is_there(void **state)
{
	(void)state;
	BERTH_BUF buf = {.limit = 8};

	assert_int_equal(berth_buf_append_text(&buf, "a"), BERTH_OK);
	assert_int_equal(berth_buf_printf(&buf, "%s%d", "bc", 12), BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&buf), "abc12"));
	assert_int_equal(berth_buf_printf(&buf, "%s", "more"), BERTH_E_LIMIT);
	assert_true(berth_bytes_equal_text(berth_buf_view(&buf), "abc12"));
}

static void
a_freed_buffer_can_be_used_again(void **state)
{
	(void)state;
	BERTH_BUF buf = {.limit = 3};

	berth_buf_free(NULL);
	assert_int_equal(berth_buf_append_text(&buf, "abc"), BERTH_OK);
	berth_buf_free(&buf);
	berth_buf_free(&buf);
	assert_int_equal(berth_buf_append_text(&buf, "abcd"), BERTH_E_LIMIT);
	assert_int_equal(berth_buf_append_text(&buf, "abc"), BERTH_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compares_views),
		cmocka_unit_test(orders_by_length_then_bytes),
		cmocka_unit_test(knows_printable_ascii),
		cmocka_unit_test(knows_well_formed_utf8),
		cmocka_unit_test(a_buffer_grows_to_its_limit_and_not_beyond),
		cmocka_unit_test(integers_are_big_endian),
		cmocka_unit_test(prints_after_what_is_there),
		cmocka_unit_test(a_freed_buffer_can_be_used_again),
	};

	return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
