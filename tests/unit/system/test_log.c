/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "system/log.h"

static const struct berth_wall at = {1790000000};

static void
assert_line(const struct berth_log *log, const char *value, const char *want)
{
	BERTH_BUF line = {0};
	const struct berth_log_field field = {"device", berth_text(value)};
	assert_int_equal(
		berth_log_line(log, BERTH_LOG_WARNING, at, "device.denied", &field, 1, &line),
		BERTH_OK);
	assert_int_equal(berth_buf_append_u8(&line, 0), BERTH_OK);
	assert_string_equal((const char *)line.p, want);
}

static void
writes_text(void **state)
{
	(void)state;
	const struct berth_log log = {.level = BERTH_LOG_INFO, .program = "p"};
	assert_line(&log, "0042", "p: level=warning event=device.denied device=0042\n");
	assert_line(&log, "two words",
		    "p: level=warning event=device.denied device=\"two words\"\n");
	assert_line(&log, "", "p: level=warning event=device.denied device=\"\"\n");
}

static void
prefixes_for_the_journal(void **state)
{
	(void)state;
	const struct berth_log log = {.level = BERTH_LOG_INFO, .program = "p", .has_prefix = true};
	assert_line(&log, "0042", "<4>event=device.denied device=0042\n");
}

static void
writes_json(void **state)
{
	(void)state;
	const struct berth_log log = {.level = BERTH_LOG_INFO, .program = "p", .is_json = true};
	assert_line(&log, "a\"b\\c",
		    "{\"time\":\"2026-09-21T14:13:20Z\",\"level\":\"warning\",\"program\":\"p\","
		    "\"event\":\"device.denied\",\"device\":\"a\\\"b\\\\c\"}\n");
}

/* A peer's name cannot begin a line of its own, nor a field. */
static void
a_value_cannot_forge_a_line(void **state)
{
	(void)state;
	const struct berth_log log = {.level = BERTH_LOG_INFO, .program = "p"};
	assert_line(&log, "x\nevent=fake y=1",
		    "p: level=warning event=device.denied device=\"x\\u000aevent=fake y=1\"\n");
	assert_line(&log, "x\" rule=\"y",
		    "p: level=warning event=device.denied device=\"x\\\" rule=\\\"y\"\n");
	assert_line(&log, "\xff\x1b[2J",
		    "p: level=warning event=device.denied device=\"\\u00ff\\u001b[2J\"\n");
}

static void
cuts_long_values(void **state)
{
	(void)state;
	const struct berth_log log = {.level = BERTH_LOG_INFO, .program = "p"};
	char value[3000];
	memset(value, 'v', sizeof(value));
	struct berth_log_field fields[BERTH_LOG_FIELDS_MAX];
	for (size_t i = 0; i < BERTH_LOG_FIELDS_MAX; i++) {
		fields[i] = (struct berth_log_field){"f", berth_bytes_of(value, sizeof(value))};
	}
	BERTH_BUF line = {0};
	assert_int_equal(
		berth_log_line(&log, BERTH_LOG_INFO, at, "e", fields, BERTH_LOG_FIELDS_MAX, &line),
		BERTH_OK);
	assert_true(line.n <= BERTH_LOG_LINE_MAX);
	assert_int_equal(line.p[line.n - 1], '\n');
}

static void
bounds_what_a_peer_can_make_us_write(void **state)
{
	(void)state;
	struct berth_log_limit limit = {.burst = 3, .interval_ms = 1000};
	struct berth_mono now = {5000};
	uint64_t suppressed = 9;
	for (int i = 0; i < 3; i++) {
		assert_true(berth_log_allows(&limit, now, &suppressed));
		assert_int_equal(suppressed, 0);
	}
	assert_false(berth_log_allows(&limit, now, &suppressed));
	assert_false(berth_log_allows(&limit, now, &suppressed));
	now.ms += 1000;
	assert_true(berth_log_allows(&limit, now, &suppressed));
	assert_int_equal(suppressed, 2);
	assert_false(berth_log_allows(&limit, now, &suppressed));
	now.ms += 100000;
	for (int i = 0; i < 3; i++) {
		assert_true(berth_log_allows(&limit, now, &suppressed));
	}
	assert_false(berth_log_allows(&limit, now, &suppressed));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_text),
		cmocka_unit_test(prefixes_for_the_journal),
		cmocka_unit_test(writes_json),
		cmocka_unit_test(a_value_cannot_forge_a_line),
		cmocka_unit_test(cuts_long_values),
		cmocka_unit_test(bounds_what_a_peer_can_make_us_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
