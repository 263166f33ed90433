/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/time.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
reads_and_writes_dates(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		int64_t s;
		const char *out;
	} rows[] = {
		{"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00Z"},
		{"2026-11-23T21:07:00Z", 1795468020, "2026-11-23T21:07:00Z"},
		{"2026-11-23T21:07:00.999999999999Z", 1795468020, "2026-11-23T21:07:00Z"},
		{"2026-11-23T23:07:00+02:00", 1795468020, "2026-11-23T21:07:00Z"},
		{"2026-11-23T15:37:00-05:30", 1795468020, "2026-11-23T21:07:00Z"},
		{"2026-11-23t21:07:00z", 1795468020, "2026-11-23T21:07:00Z"},
		{"2016-12-31T23:59:60Z", 1483228799, "2016-12-31T23:59:59Z"},
		{"2017-01-01T05:29:60+05:30", 1483228799, "2016-12-31T23:59:59Z"},
		{"2000-02-29T12:00:00Z", 951825600, "2000-02-29T12:00:00Z"},
		{"0001-01-01T00:00:00Z", -62135596800, "0001-01-01T00:00:00Z"},
		{"9999-12-31T23:59:59Z", 253402300799, "9999-12-31T23:59:59Z"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_wall t = {-1};
		char text[BERTH_TIME_TEXT_MAX];

		print_message("%s\n", rows[i].in);
		assert_int_equal(berth_wall_parse(berth_text(rows[i].in), &t, NULL), BERTH_OK);
		assert_int_equal(t.s, rows[i].s);
		assert_string_equal(berth_wall_format(t, text), rows[i].out);
	}
}

static void
refuses_what_is_no_date(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",
		"2026-11-23",
		"2026-11-23T21:07:00",
		"2026-11-23T21:07Z",
		"2026-11-23 21:07:00Z",
		"2026-11-23T21:07:00Z ",
		"2026-11-23T21:07:00ZZ",
		"2026-11-23T21:07:00.Z",
		"2026-11-23T21:07:00,5Z",
		"2026-02-29T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:60Z",
		"2026-01-01T23:59:61Z",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00+00:60",
		"2026-01-01T00:00:00+0000",
		"0000-01-01T00:00:00Z",
		"0001-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01",
		"+026-01-01T00:00:00Z",
		"20261123210700Z",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_wall t = {-1};
		struct berth_why why = {0};

		print_message("%s\n", rows[i]);
		assert_int_equal(berth_wall_parse(berth_text(rows[i]), &t, &why), BERTH_E_SYNTAX);
		assert_string_equal(why.rule, "time-syntax");
		assert_int_equal(t.s, -1);
	}
}

static void
every_day_of_four_centuries_comes_back(void **state)
{
	(void)state;
	for (int64_t day = -200000; day < 200000; day += 13) {
		struct berth_wall t = {day * 86400 + 12345};
		struct berth_wall back = {0};
		char text[BERTH_TIME_TEXT_MAX];

		berth_wall_format(t, text);
		assert_int_equal(berth_wall_parse(berth_text(text), &back, NULL), BERTH_OK);
		assert_int_equal(back.s, t.s);
	}
}

static void
writes_any_number_of_seconds_within_the_room(void **state)
{
	(void)state;
	char text[BERTH_TIME_TEXT_MAX];

	assert_string_equal(berth_wall_format((struct berth_wall){INT64_MAX}, text),
			    "292277026596-12-04T15:30:07Z");
	berth_wall_format((struct berth_wall){INT64_MIN}, text);
	assert_true(strlen(text) < sizeof(text) - 1);
}

static void
reads_durations(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		int64_t s;
	} rows[] = {{"0", 0},	  {"45", 45},	  {"90s", 90},	       {"15m", 900},
		    {"2h", 7200}, {"4d", 345600}, {"3650d", 315360000}};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t s = -1;

		assert_int_equal(berth_duration_parse_s(berth_text(rows[i].in), &s, NULL),
				 BERTH_OK);
		assert_int_equal(s, rows[i].s);
	}
}

static void
refuses_durations_without_form_or_end(void **state)
{
	(void)state;
	static const struct {
		const char *in;
		enum berth_err err;
	} rows[] = {
		{"", BERTH_E_SYNTAX},
		{"s", BERTH_E_SYNTAX},
		{"-1s", BERTH_E_SYNTAX},
		{"1 s", BERTH_E_SYNTAX},
		{"1w", BERTH_E_SYNTAX},
		{"1s1", BERTH_E_SYNTAX},
		{"1.5h", BERTH_E_SYNTAX},
		{"3651d", BERTH_E_LIMIT},
		{"99999999999999999999999999d", BERTH_E_LIMIT},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t s = -1;

		print_message("%s\n", rows[i].in);
		assert_int_equal(berth_duration_parse_s(berth_text(rows[i].in), &s, NULL),
				 rows[i].err);
		assert_int_equal(s, -1);
	}
}

static void
a_deadline_beyond_the_end_is_never(void **state)
{
	(void)state;
	assert_int_equal(berth_mono_after_ms((struct berth_mono){5}, 10).ms, 15);
	assert_int_equal(berth_mono_after_ms(BERTH_MONO_NEVER, 10).ms, INT64_MAX);
	assert_int_equal(berth_mono_after_ms((struct berth_mono){INT64_MAX - 1}, 2).ms, INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_dates),
		cmocka_unit_test(refuses_what_is_no_date),
		cmocka_unit_test(every_day_of_four_centuries_comes_back),
		cmocka_unit_test(writes_any_number_of_seconds_within_the_room),
		cmocka_unit_test(reads_durations),
		cmocka_unit_test(refuses_durations_without_form_or_end),
		cmocka_unit_test(a_deadline_beyond_the_end_is_never),
	};

	return cmocka_run_group_tests_name("base/time", tests, NULL, NULL);
}
