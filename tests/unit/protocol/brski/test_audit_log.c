/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/audit_log.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define EVENT                                                                                      \
	"{\"date\":\"2021-04-13T17:43:24.589-04:00\",\"domainID\":\"AQI=\",\"nonce\":\"-_"         \
	"XE9zK9q8Ll"                                                                               \
	"1qylMtLKeg\",\"assertion\":\"proximity\",\"truncated\":\"1\"}"

static enum berth_err
parse(const char *json, struct berth_arena *arena, struct berth_audit_log *ret,
      struct berth_why *why)
{
	berth_arena_start(arena, 65536);
	return berth_audit_log_parse(berth_text(json), arena, ret, why);
}

/* The figure of RFC 8995 5.8.1 prints its numbers as texts. */
/* req: rfc8995-5.8.1-1 */
static void
reads_numbers_and_their_texts(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"{\"version\":\"1\",\"events\":[" EVENT "],\"truncation\":{"
		"\"nonced duplicates\":\"0\",\"nonceless duplicates\":\"1\",\"arbitrary\":\"2\"}}",
		"{\"version\":1,\"events\":[" EVENT "],\"truncation\":{"
		"\"nonced duplicates\":0,\"nonceless duplicates\":1,\"arbitrary\":2},\"more\":[]}",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_ARENA arena = {0};
		struct berth_audit_log log = {0};

		assert_int_equal(parse(rows[i], &arena, &log, NULL), BERTH_OK);
		assert_int_equal(log.version, 1);
		assert_int_equal(log.event_count, 1);
		assert_int_equal(log.events[0].date.s, 1618350204);
		assert_int_equal(log.events[0].domain_id.n, 2);
		assert_true(berth_bytes_equal_text(log.events[0].nonce, "-_XE9zK9q8Ll1qylMtLKeg"));
		assert_int_equal(log.events[0].assertion, BERTH_ASSERTION_PROXIMITY);
		assert_int_equal(log.events[0].truncated, 1);
		assert_int_equal(log.nonced_duplicates, 0);
		assert_int_equal(log.nonceless_duplicates, 1);
		assert_int_equal(log.arbitrary, 2);
	}
}

static void
missing_counters_are_zero_and_null_is_nonceless(void **state)
{
	(void)state;
	BERTH_ARENA arena = {0};
	struct berth_audit_log log = {0};

	assert_int_equal(parse("{\"version\":1,\"events\":[{\"date\":\"2021-04-13T17:43:24Z\","
			       "\"domainID\":\"AQI=\",\"nonce\":null,\"assertion\":\"logged\"}]}",
			       &arena, &log, NULL),
			 BERTH_OK);
	assert_int_equal(log.events[0].nonce.n, 0);
	assert_int_equal(log.events[0].truncated, 0);
	assert_int_equal(log.arbitrary, 0);
}

static void
refuses_each_fault_by_its_rule(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		const char *rule;
	} rows[] = {
		{"[]", "rfc8995-5.8.1-form"},
		{"{\"events\":[]}", "json-missing-member"},
		{"{\"version\":1}", "json-missing-member"},
		{"{\"version\":1,\"events\":{}}", "json-member-type"},
		{"{\"version\":1,\"events\":[1]}", "rfc8995-5.8.1-form"},
		{"{\"version\":1,\"events\":[{}]}", "json-missing-member"},
		{"{\"version\":1,\"events\":[{\"date\":\"x\",\"domainID\":\"AQI=\","
		 "\"assertion\":\"logged\"}]}",
		 "rfc8995-5.8.1-form"},
		{"{\"version\":1,\"events\":[{\"date\":\"2021-04-13T17:43:24Z\",\"domainID\":\"!\","
		 "\"assertion\":\"logged\"}]}",
		 "rfc8995-5.8.1-form"},
		{"{\"version\":1,\"events\":[{\"date\":\"2021-04-13T17:43:24Z\","
		 "\"domainID\":\"AQI=\",\"assertion\":\"hoped\"}]}",
		 "rfc8995-5.8.1-form"},
		{"{\"version\":1,\"events\":[],\"truncation\":{\"arbitrary\":\"many\"}}",
		 "rfc8995-5.8.1-count"},
		{"{\"version\":1,\"events\":[],\"truncation\":{\"arbitrary\":-1}}",
		 "json-member-range"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_ARENA arena = {0};
		struct berth_audit_log log = {0};
		struct berth_why why = {0};

		print_message("%s\n", rows[i].json);
		assert_int_not_equal(parse(rows[i].json, &arena, &log, &why), BERTH_OK);
		assert_string_equal(why.rule, rows[i].rule);
	}
}

static void
refuses_more_events_than_the_cap(void **state)
{
	(void)state;
	BERTH_ARENA arena = {0};
	BERTH_BUF json = {0};
	struct berth_audit_log log = {0};
	struct berth_why why = {0};

	assert_int_equal(berth_buf_append_text(&json, "{\"version\":1,\"events\":["), BERTH_OK);
	for (int i = 0; i < BERTH_AUDIT_LOG_EVENTS_MAX + 1; i++)
		assert_int_equal(berth_buf_append_text(&json, i ? ",1" : "1"), BERTH_OK);
	assert_int_equal(berth_buf_append_text(&json, "]}"), BERTH_OK);
	berth_arena_start(&arena, (size_t)1 << 20);
	assert_int_equal(berth_audit_log_parse(berth_buf_view(&json), &arena, &log, &why),
			 BERTH_E_LIMIT);
	assert_string_equal(why.rule, "rfc8995-5.8.1-events");
}

static void
writes_numbers_caps_them_and_reads_them_back(void **state)
{
	(void)state;
	struct berth_audit_event events[] = {
		{.date = {1618350204},
		 .domain_id = BERTH_LIT("\1\2"),
		 .assertion = BERTH_ASSERTION_VERIFIED,
		 .truncated = 5000},
	};
	const struct berth_audit_log said = {.events = events, .event_count = 1, .arbitrary = 3};
	BERTH_ARENA arena = {0};
	BERTH_BUF out = {0};
	struct berth_audit_log log = {0};

	assert_int_equal(berth_audit_log_build(&said, &out, NULL), BERTH_OK);
	assert_true(berth_bytes_equal_text(
		berth_buf_view(&out),
		"{\"version\":1,\"events\":[{\"date\":\"2021-04-13T21:43:24Z\",\"domainID\":"
		"\"AQI=\",\"nonce\":null,\"assertion\":\"verified\",\"truncated\":1024}],"
		"\"truncation\":{\"nonced duplicates\":0,\"nonceless duplicates\":0,"
		"\"arbitrary\":3}}"));
	berth_arena_start(&arena, 65536);
	assert_int_equal(berth_audit_log_parse(berth_buf_view(&out), &arena, &log, NULL), BERTH_OK);
	assert_int_equal(log.events[0].truncated, BERTH_AUDIT_LOG_COUNT_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_numbers_and_their_texts),
		cmocka_unit_test(missing_counters_are_zero_and_null_is_nonceless),
		cmocka_unit_test(refuses_each_fault_by_its_rule),
		cmocka_unit_test(refuses_more_events_than_the_cap),
		cmocka_unit_test(writes_numbers_caps_them_and_reads_them_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
