/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
says_rule_section_offset_and_sentence(void **state)
{
	(void)state;
	struct berth_why why = {0};

	assert_int_equal(
		berth_fail_at(&why, BERTH_E_MISMATCH, "rule", "RFC 1", 7, "%s of %d", "two", 3),
		BERTH_E_MISMATCH);
	assert_int_equal(why.err, BERTH_E_MISMATCH);
	assert_string_equal(why.rule, "rule");
	assert_string_equal(why.section, "RFC 1");
	assert_int_equal(why.offset, 7);
	assert_string_equal(why.sentence, "two of 3");
	assert_int_equal(berth_fail(&why, BERTH_E_IO, "other", NULL, "x"), BERTH_E_IO);
	assert_int_equal(why.offset, 0);
	assert_null(why.section);
}

static void
nobody_needs_to_ask_why(void **state)
{
	(void)state;
	assert_int_equal(berth_fail(NULL, BERTH_E_IO, "rule", NULL, "x"), BERTH_E_IO);
	assert_int_equal(berth_fail_at(NULL, BERTH_E_IO, "rule", NULL, 1, "x"), BERTH_E_IO);
}

static void
a_peers_text_cannot_forge_a_log_line(void **state)
{
	(void)state;
	struct berth_why why = {0};

	assert_int_equal(berth_fail(&why, BERTH_E_IO, "r", NULL, "%s", "a\nb\x1b[m\x7f\xc3\xa9"),
			 BERTH_E_IO);
	assert_string_equal(why.sentence, "a?b?[m?\xc3\xa9");
	assert_int_equal(berth_fail(&why, BERTH_E_IO, "r", NULL, "%s", "a\xc3"), BERTH_E_IO);
	assert_string_equal(why.sentence, "a?");
}

static void
a_long_sentence_is_cut(void **state)
{
	(void)state;
	struct berth_why why = {0};

	assert_int_equal(berth_fail(&why, BERTH_E_IO, "r", NULL, "%500d", 1), BERTH_E_IO);
	assert_int_equal(strlen(why.sentence), BERTH_WHY_SENTENCE_MAX - 1);
}

static void
every_kind_has_its_own_name(void **state)
{
	(void)state;
	for (int a = 0; a < BERTH_E__COUNT; a++) {
		assert_non_null(berth_err_name((enum berth_err)a));
		for (int b = 0; b < a; b++) {
			assert_string_not_equal(berth_err_name((enum berth_err)a),
						berth_err_name((enum berth_err)b));
		}
	}
	assert_string_equal(berth_err_name(BERTH_E__COUNT), "unknown");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_rule_section_offset_and_sentence),
		cmocka_unit_test(nobody_needs_to_ask_why),
		cmocka_unit_test(a_peers_text_cannot_forge_a_log_line),
		cmocka_unit_test(a_long_sentence_is_cut),
		cmocka_unit_test(every_kind_has_its_own_name),
	};

	return cmocka_run_group_tests_name("base/err", tests, NULL, NULL);
}
