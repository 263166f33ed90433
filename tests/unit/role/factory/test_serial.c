/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/factory/serial.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
takes_what_a_printable_string_holds(void **state)
{
	(void)state;
	static const struct {
		const char *serial;
		enum berth_err err;
	} table[] = {
		{"A-1", BERTH_OK},
		{"00-D0-E5-F2-00-02", BERTH_OK},
		{"PID:C9500 SN:FCW(1)'+,./=?", BERTH_OK},
		{"", BERTH_E_SYNTAX},
		{" A", BERTH_E_SYNTAX},
		{"A ", BERTH_E_SYNTAX},
		{"A_1", BERTH_E_SYNTAX},
		{"A*", BERTH_E_SYNTAX},
		{"A\n", BERTH_E_SYNTAX},
		{"\xc3\xa9", BERTH_E_SYNTAX},
		{"0123456789012345678901234567890123456789012345678901234567890123", BERTH_OK},
		{"01234567890123456789012345678901234567890123456789012345678901234",
		 BERTH_E_LIMIT},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct berth_why why = {0};
		enum berth_err err = berth_unit_serial_check(berth_text(table[i].serial), &why);
		if (err != table[i].err)
			fail_msg("%s: %s", table[i].serial, berth_err_name(err));
	}
	assert_int_equal(berth_unit_serial_check(berth_bytes_of("A\0B", 3), NULL), BERTH_E_SYNTAX);
}

static void
names_the_subject_as_the_form_says(void **state)
{
	(void)state;
	struct berth_why why = {0};
	BERTH_BUF plain = {0};
	BERTH_BUF product = {0};
	BERTH_BUF refused = {0};
	assert_int_equal(berth_unit_subject_serial(BERTH_SUBJECT_SERIAL, BERTH_LIT("cam"),
						   BERTH_LIT("A-1"), &plain, &why),
			 BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&plain), "A-1"));
	assert_int_equal(berth_unit_subject_serial(BERTH_SUBJECT_PRODUCT_SERIAL, BERTH_LIT("cam"),
						   BERTH_LIT("A-1"), &product, &why),
			 BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&product), "PID:cam SN:A-1"));
	assert_int_equal(berth_unit_subject_serial(BERTH_SUBJECT_PRODUCT_SERIAL, BERTH_BYTES_NONE,
						   BERTH_LIT("A-1"), &refused, &why),
			 BERTH_E_SYNTAX);
	assert_int_equal(berth_unit_subject_serial(BERTH_SUBJECT_PRODUCT_SERIAL, BERTH_LIT("c*"),
						   BERTH_LIT("A-1"), &refused, &why),
			 BERTH_E_SYNTAX);
}

static void
no_serial_number_leaves_its_folder(void **state)
{
	(void)state;
	static const char *const table[][2] = {
		{"A-1.b", "A-1.b"}, {".", "%2E"},     {"..", "%2E."},	    {"../x", "%2E.%2Fx"},
		{"-rf", "%2Drf"},   {"a b", "a%20b"}, {"a%20b", "a%2520b"}, {"/etc", "%2Fetc"},
	};
	char folder[BERTH_UNIT_FOLDER_MAX];
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_string_equal(berth_unit_folder(berth_text(table[i][0]), folder),
				    table[i][1]);
}

static void
the_longest_serial_number_has_a_folder(void **state)
{
	(void)state;
	char longest[BERTH_UNIT_SERIAL_MAX];
	char folder[BERTH_UNIT_FOLDER_MAX];
	memset(longest, '/', sizeof(longest));
	berth_unit_folder(berth_bytes_of(longest, sizeof(longest)), folder);
	assert_int_equal(strlen(folder), BERTH_UNIT_FOLDER_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_what_a_printable_string_holds),
		cmocka_unit_test(names_the_subject_as_the_form_says),
		cmocka_unit_test(no_serial_number_leaves_its_folder),
		cmocka_unit_test(the_longest_serial_number_has_a_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
