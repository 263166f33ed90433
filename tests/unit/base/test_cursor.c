/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/cursor.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
reads_what_the_writers_wrote(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};

	assert_int_equal(berth_buf_append_u8(&buf, 1), BERTH_OK);
	assert_int_equal(berth_buf_append_u16(&buf, 2), BERTH_OK);
	assert_int_equal(berth_buf_append_u32(&buf, 3), BERTH_OK);
	assert_int_equal(berth_buf_append_u64(&buf, UINT64_MAX), BERTH_OK);
	assert_int_equal(berth_buf_append_vector16(&buf, BERTH_LIT("abc")), BERTH_OK);
	assert_int_equal(berth_buf_append_vector32(&buf, BERTH_LIT("")), BERTH_OK);
	struct berth_cursor c = berth_cursor(berth_buf_view(&buf));

	assert_int_equal(berth_cursor_u8(&c), 1);
	assert_int_equal(berth_cursor_u16(&c), 2);
	assert_int_equal(berth_cursor_u32(&c), 3);
	assert_true(berth_cursor_u64(&c) == UINT64_MAX);
	assert_true(berth_bytes_equal_text(berth_cursor_vector16(&c, 3), "abc"));
	assert_int_equal(berth_cursor_left(&c), 4);
	assert_int_equal(berth_cursor_vector32(&c, 0).n, 0);
	assert_int_equal(berth_cursor_end(&c, "r", NULL), BERTH_OK);
}

static void
a_failed_read_sticks_and_stays_where_it_was(void **state)
{
	(void)state;
	struct berth_cursor c = berth_cursor(BERTH_LIT("\1\2\3"));
	struct berth_why why = {0};

	assert_int_equal(berth_cursor_u16(&c), 0x0102);
	assert_int_equal(berth_cursor_u16(&c), 0);
	assert_int_equal(c.at, 2);
	assert_int_equal(berth_cursor_u8(&c), 0);
	assert_int_equal(berth_cursor_take(&c, 0).n, 0);
	assert_int_equal(berth_cursor_end(&c, "rule", &why), BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "rule");
	assert_int_equal(why.offset, 2);
}

static void
a_vector_is_whole_or_not_read(void **state)
{
	(void)state;
	struct berth_cursor cut = berth_cursor(BERTH_LIT("\0\4abc"));
	struct berth_cursor large = berth_cursor(BERTH_LIT("\0\0\0\3abc"));

	assert_null(berth_cursor_vector16(&cut, 100).p);
	assert_int_equal(cut.at, 0);
	assert_int_equal(berth_cursor_end(&cut, "r", NULL), BERTH_E_SYNTAX);
	assert_null(berth_cursor_vector32(&large, 2).p);
	assert_int_equal(large.at, 0);
	assert_int_equal(berth_cursor_end(&large, "r", NULL), BERTH_E_LIMIT);
}

static void
left_over_bytes_are_an_error(void **state)
{
	(void)state;
	struct berth_cursor c = berth_cursor(BERTH_LIT("ab"));
	struct berth_why why = {0};

	(void)berth_cursor_u8(&c);
	assert_int_equal(berth_cursor_end(&c, "r", &why), BERTH_E_SYNTAX);
	assert_int_equal(why.offset, 1);
}

static void
a_vector_that_does_not_fit_is_not_half_written(void **state)
{
	(void)state;
	static const uint8_t large[0x10000] = {0};
	BERTH_BUF buf = {.limit = 5};

	assert_int_equal(berth_buf_append_vector16(&buf, berth_bytes_of(large, sizeof(large))),
			 BERTH_E_LIMIT);
	assert_int_equal(berth_buf_append_vector32(&buf, BERTH_LIT("ab")), BERTH_E_LIMIT);
	assert_int_equal(buf.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_the_writers_wrote),
		cmocka_unit_test(a_failed_read_sticks_and_stays_where_it_was),
		cmocka_unit_test(a_vector_is_whole_or_not_read),
		cmocka_unit_test(left_over_bytes_are_an_error),
		cmocka_unit_test(a_vector_that_does_not_fit_is_not_half_written),
	};

	return cmocka_run_group_tests_name("base/cursor", tests, NULL, NULL);
}
