/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/telemetry.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static enum berth_err
parse(const char *json, struct berth_arena *arena, struct berth_telemetry *ret,
      struct berth_why *why)
{
	berth_arena_start(arena, 65536);
	return berth_telemetry_parse(berth_text(json), arena, ret, why);
}

static void
reads_a_success_and_a_failure(void **state)
{
	(void)state;
	BERTH_ARENA arena = {0};
	BERTH_ARENA other = {0};
	struct berth_telemetry t = {0};

	assert_int_equal(parse("{\"version\":1,\"status\":true}", &arena, &t, NULL), BERTH_OK);
	assert_true(t.status);
	assert_int_equal(t.version, 1);
	assert_int_equal(t.reason.n, 0);
	assert_int_equal(parse("{\"version\":\"1\",\"status\":false,\"reason\":\"no\","
			       "\"reason-context\":{\"a\":1}}",
			       &other, &t, NULL),
			 BERTH_OK);
	assert_false(t.status);
	assert_int_equal(t.version, 1);
	assert_true(berth_bytes_equal_text(t.reason, "no"));
	assert_true(berth_bytes_equal_text(t.reason_context, "{\"a\":1}"));
	assert_int_equal(t.unknown_count, 0);
}

/* req: rfc8995-5.7-2 */
static void
tolerates_and_lists_unknown_members(void **state)
{
	(void)state;
	BERTH_ARENA arena = {0};
	struct berth_telemetry t = {0};

	assert_int_equal(parse("{\"Status\":1,\"version\":7,\"status\":true,\"colour\":[]}", &arena,
			       &t, NULL),
			 BERTH_OK);
	assert_int_equal(t.version, 7);
	assert_int_equal(t.unknown_count, 2);
	assert_true(berth_bytes_equal_text(t.unknown[0], "Status"));
	assert_true(berth_bytes_equal_text(t.unknown[1], "colour"));
}

/* req: rfc8995-5.7-fields */
static void
refuses_each_fault_by_its_rule(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		const char *rule;
	} rows[] = {
		{"", "json-syntax"},
		{"[]", "rfc8995-5.7-object"},
		{"{\"status\":true}", "json-missing-member"},
		{"{\"version\":1}", "json-missing-member"},
		{"{\"version\":1,\"status\":\"true\"}", "json-member-type"},
		{"{\"version\":\"one\",\"status\":true}", "rfc8995-5.8.1-count"},
		{"{\"version\":-1,\"status\":true}", "json-member-range"},
		{"{\"version\":1,\"status\":true,\"status\":true}", "json-duplicate-key"},
		{"{\"version\":1,\"status\":true,\"reason\":1}", "json-member-type"},
		{"{\"version\":1,\"status\":true,\"reason-context\":\"x\"}", "json-member-type"},
		{"{\"version\":1,\"status\":true} ,", "json-trailing-bytes"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_ARENA arena = {0};
		struct berth_telemetry t = {0};
		struct berth_why why = {0};

		print_message("%s\n", rows[i].json);
		assert_int_not_equal(parse(rows[i].json, &arena, &t, &why), BERTH_OK);
		assert_string_equal(why.rule, rows[i].rule);
	}
}

/* req: rfc8995-5.7-p3 */
static void
reads_what_it_writes(void **state)
{
	(void)state;
	const struct berth_telemetry said = {
		.status = false,
		.reason = BERTH_LIT("the voucher's \"nonce\" differs"),
		.reason_context = BERTH_LIT("{\"rule\":\"x\"}"),
	};
	BERTH_ARENA arena = {0};
	BERTH_BUF out = {0};
	struct berth_telemetry t = {0};

	assert_int_equal(berth_telemetry_build(&said, &out, NULL), BERTH_OK);
	berth_arena_start(&arena, 65536);
	assert_int_equal(berth_telemetry_parse(berth_buf_view(&out), &arena, &t, NULL), BERTH_OK);
	assert_int_equal(t.version, 1);
	assert_false(t.status);
	assert_true(berth_bytes_equal(t.reason, said.reason));
	assert_true(berth_bytes_equal(t.reason_context, said.reason_context));
}

static void
writes_no_context_that_is_no_object(void **state)
{
	(void)state;
	const struct berth_telemetry said = {.reason_context = BERTH_LIT("[1]")};
	BERTH_BUF out = {0};

	assert_int_equal(berth_telemetry_build(&said, &out, NULL), BERTH_E_SYNTAX);
	assert_int_equal(out.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_success_and_a_failure),
		cmocka_unit_test(tolerates_and_lists_unknown_members),
		cmocka_unit_test(refuses_each_fault_by_its_rule),
		cmocka_unit_test(reads_what_it_writes),
		cmocka_unit_test(writes_no_context_that_is_no_object),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
