/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/decision.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct berth_why
why_of(const char *sentence)
{
	struct berth_why why;

	berth_ignore(berth_fail(&why, BERTH_E_MISMATCH, "rfc8995-5.4-serial", "RFC 8995 5.4", "%s",
				sentence),
		     "made to be carried");
	return why;
}

static void
denies_when_nobody_has_decided(void **state)
{
	(void)state;
	struct berth_decision decision;

	berth_decision_start(&decision);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_DENY);
	assert_string_equal(berth_decision_text(&decision), "nothing was checked");
}

static void
stays_denied_after_one_failed_check(void **state)
{
	(void)state;
	struct berth_decision decision;
	struct berth_why why = why_of("serial CAM-2, not CAM-1");

	berth_decision_start(&decision);
	assert_true(berth_decision_check(&decision, BERTH_OK, NULL, "a", "RFC", "fine"));
	assert_false(berth_decision_check(&decision, BERTH_E_MISMATCH, &why, "b", "RFC", "fine"));
	berth_decision_pass(&decision, "c", NULL, "more");
	berth_decision_set(&decision, BERTH_OUTCOME_ALLOW);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_DENY);
	assert_string_equal(berth_decision_text(&decision), "serial CAM-2, not CAM-1");
	assert_string_equal(berth_decision_failed(&decision)->rule, "rfc8995-5.4-serial");
	/* The control: without the failed check the same calls allow. */
	berth_decision_start(&decision);
	berth_decision_pass(&decision, "c", NULL, "more");
	berth_decision_set(&decision, BERTH_OUTCOME_ALLOW);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_ALLOW);
	assert_null(berth_decision_failed(&decision));
}

static void
denies_when_its_trace_overflows(void **state)
{
	(void)state;
	struct berth_decision decision;

	berth_decision_start(&decision);
	for (int i = 0; i < BERTH_DECISION_CHECKS_MAX; i++)
		berth_decision_pass(&decision, "a", NULL, "%d", i);
	berth_decision_set(&decision, BERTH_OUTCOME_ALLOW);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_ALLOW);
	berth_decision_pass(&decision, "a", NULL, "one too many");
	assert_int_equal(decision.outcome, BERTH_OUTCOME_DENY);
	berth_decision_set(&decision, BERTH_OUTCOME_ALLOW);
	assert_int_equal(decision.outcome, BERTH_OUTCOME_DENY);
}

static void
foreign_bytes_cannot_break_a_log_line(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
		{"a\nevent=device.approved", "a?event=device.approved"},
		{"\x1b[2J", "?[2J"},
		{"caf\xc3\xa9", "caf\xc3\xa9"},
		{"\xff caf\xc3\xa9", "? caf"},
		{"cut \xc3", "cut "},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct berth_decision decision;

		berth_decision_start(&decision);
		berth_decision_pass(&decision, "a", NULL, "%s", rows[i].in);
		assert_string_equal(decision.checks[0].evidence, rows[i].out);
	}
}

static void
reads_back_what_it_wrote(void **state)
{
	(void)state;
	struct berth_decision decision;
	struct berth_decision read;
	BERTH_BUF json = {0};
	BERTH_BUF again = {0};
	struct berth_why why = why_of("\"quoted\" and caf\xc3\xa9");

	berth_decision_start(&decision);
	berth_decision_pass(&decision, "rule-1", "RFC 8995 5.3", "fine");
	berth_decision_fail(&decision, &why);
	strcpy(decision.policy_rule, "cameras");
	strcpy(decision.segment, "cams");
	decision.reauthorize_every_s = 3600;
	assert_int_equal(berth_decision_encode(&decision, &json, NULL), BERTH_OK);
	assert_int_equal(berth_decision_parse(berth_buf_view(&json), &read, NULL), BERTH_OK);
	assert_int_equal(berth_decision_encode(&read, &again, NULL), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&json), berth_buf_view(&again)));
	assert_int_equal(read.n, 2);
	assert_int_equal(read.reauthorize_every_s, 3600);
	assert_string_equal(read.policy_rule, "cameras");
	assert_string_equal(read.segment, "cams");
	assert_false(read.checks[1].passed);
	assert_string_equal(read.checks[1].evidence, why.sentence);
}

#define HEAD "\"rule\":\"\",\"segment\":\"\",\"reauthorize-every-s\":0"

static void
refuses_what_is_no_decision(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		enum berth_err err;
	} rows[] = {
		{"{\"outcome\":\"deny\"," HEAD ",\"failed\":true,\"checks\":[]}", BERTH_OK},
		{"{\"outcome\":\"allow\"," HEAD ",\"failed\":true,\"checks\":[]}",
		 BERTH_E_MISMATCH},
		{"{\"outcome\":\"maybe\"," HEAD ",\"failed\":false,\"checks\":[]}",
		 BERTH_E_UNSUPPORTED},
		{"{\"outcome\":\"deny\"," HEAD ",\"failed\":false,\"checks\":[{}]}",
		 BERTH_E_SYNTAX},
		{"{\"outcome\":\"deny\"," HEAD ",\"failed\":false,\"checks\":[1]}", BERTH_E_SYNTAX},
		{"{\"outcome\":\"deny\"," HEAD ",\"failed\":false}", BERTH_E_SYNTAX},
		{"[]", BERTH_E_SYNTAX},
		{"", BERTH_E_SYNTAX},
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct berth_decision read;

		print_message("%s\n", rows[i].json);
		assert_int_equal(berth_decision_parse(berth_text(rows[i].json), &read, NULL),
				 rows[i].err);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(denies_when_nobody_has_decided),
		cmocka_unit_test(stays_denied_after_one_failed_check),
		cmocka_unit_test(denies_when_its_trace_overflows),
		cmocka_unit_test(foreign_bytes_cannot_break_a_log_line),
		cmocka_unit_test(reads_back_what_it_wrote),
		cmocka_unit_test(refuses_what_is_no_decision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
