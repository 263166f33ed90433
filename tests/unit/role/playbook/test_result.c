/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/playbook/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct berth_playbook_results results;

static int
start(void **state)
{
	(void)state;
	berth_playbook_results_start(&results);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	berth_playbook_results_end(&results);
	return 0;
}

static size_t
row_of(const char *id)
{
	return (size_t)(berth_capability_find(id) - berth_capabilities);
}

static enum berth_err
take(const char *line)
{
	return berth_playbook_result_parse(&results, berth_text(line), NULL);
}

static void
a_row_is_shown_with_evidence_and_refusal(void **state)
{
	(void)state;
	assert_int_equal(take("evidence\tS1.C3\tB\topenssl says so"), BERTH_OK);
	assert_int_equal(take("refusal\tS1.C3\tB\trule x"), BERTH_OK);
	assert_int_equal(berth_playbook_row_status(&results, row_of("S1.C3"), false),
			 BERTH_ROW_FAILED);
	assert_int_equal(take("shown\tS1.C3\tB"), BERTH_OK);
	assert_int_equal(berth_playbook_row_status(&results, row_of("S1.C3"), false),
			 BERTH_ROW_SHOWN);
	assert_int_equal(berth_playbook_row_status(&results, row_of("S1.C3"), true),
			 BERTH_ROW_NOT_BUILT);
}

static void
a_row_without_refusal_has_failed(void **state)
{
	(void)state;
	assert_int_equal(take("evidence\tS1.C3\tB\topenssl says so"), BERTH_OK);
	assert_int_equal(take("shown\tS1.C3\tB"), BERTH_OK);
	assert_int_equal(berth_playbook_row_status(&results, row_of("S1.C3"), false),
			 BERTH_ROW_FAILED);
	assert_string_equal(berth_playbook_row_remark(&results, row_of("S1.C3"), false),
			    "no refusal was brought");
}

static void
a_row_without_evidence_has_failed(void **state)
{
	(void)state;
	assert_int_equal(take("refusal\tS1.C3\tB\trule x"), BERTH_OK);
	assert_int_equal(take("shown\tS1.C3\tB"), BERTH_OK);
	assert_int_equal(berth_playbook_row_status(&results, row_of("S1.C3"), false),
			 BERTH_ROW_FAILED);
}

static void
a_row_that_failed_once_stays_failed(void **state)
{
	(void)state;
	assert_int_equal(take("evidence\tS1.C3\tB\topenssl says so"), BERTH_OK);
	assert_int_equal(take("refusal\tS1.C3\tB\trule x"), BERTH_OK);
	assert_int_equal(take("failed\tS1.C3\tB\tthe rogue got in"), BERTH_OK);
	assert_int_equal(take("shown\tS1.C3\tB"), BERTH_OK);
	assert_int_equal(berth_playbook_row_status(&results, row_of("S1.C3"), false),
			 BERTH_ROW_FAILED);
}

static void
a_built_row_that_nobody_reports_has_failed(void **state)
{
	(void)state;
	assert_int_equal(berth_playbook_row_status(&results, row_of("S0.C1"), false),
			 BERTH_ROW_FAILED);
	assert_int_equal(berth_playbook_row_status(&results, row_of("S2.C1"), false),
			 BERTH_ROW_NOT_BUILT);
}

static void
interoperability_needs_no_refusal(void **state)
{
	(void)state;
	assert_int_equal(take("evidence\tS1.C8\tB\ttwo makers"), BERTH_OK);
	assert_int_equal(take("shown\tS1.C8\tB"), BERTH_OK);
	assert_int_equal(berth_playbook_row_status(&results, row_of("S1.C8"), false),
			 BERTH_ROW_SHOWN);
}

static void
refuses_lines_that_are_no_results(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",
		"shown",
		"shown\tS1.C3",
		"shown\tS1.C3\tX",
		"shown\tS9.C3\tB",
		"x\tS1.C3\tB",
		"shown\tS1.C3\tB\ttext",
		"evidence\tS1.C3\tB",
		"evidence\tS1.C3\tB\ta\tb",
		"\t\t\t",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i]);
		assert_int_not_equal(take(rows[i]), BERTH_OK);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_row_is_shown_with_evidence_and_refusal, start,
						end),
		cmocka_unit_test_setup_teardown(a_row_without_refusal_has_failed, start, end),
		cmocka_unit_test_setup_teardown(a_row_without_evidence_has_failed, start, end),
		cmocka_unit_test_setup_teardown(a_row_that_failed_once_stays_failed, start, end),
		cmocka_unit_test_setup_teardown(a_built_row_that_nobody_reports_has_failed, start,
						end),
		cmocka_unit_test_setup_teardown(interoperability_needs_no_refusal, start, end),
		cmocka_unit_test_setup_teardown(refuses_lines_that_are_no_results, start, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
