/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/time.h"

#include <stdio.h>

#include "base/cursor.h"

#define DAY_S 86400
#define DURATION_MAX_S ((int64_t)3650 * DAY_S) /* ten years: a longer one is a slip of the pen */
#define FIRST_YEAR_S ((int64_t)-62135596800)   /* 0001-01-01T00:00:00Z */

struct date {
	int64_t year;
	int month, day;
};

/*
 * Days are counted in years that begin in March, so that the leap day is the last of its year, and
 * in eras of 400 years, which all have the same 146097 days.
 */
static int64_t
days_of_date(struct date d)
{
	int64_t y = d.month <= 2 ? d.year - 1 : d.year;
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t year_of_era = y - era * 400;
	int64_t month = (d.month + 9) % 12;
	int64_t day_of_year = (153 * month + 2) / 5 + d.day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

	return era * 146097 + day_of_era - 719468;
}

static struct date
date_of_days(int64_t days)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t day_of_era = days - era * 146097;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153;
	struct date d = {
		.year = year_of_era + era * 400,
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
	};

	if (d.month <= 2) {
		d.year++;
	}
	return d;
}

const char *
berth_wall_format(struct berth_wall t, char text[BERTH_TIME_TEXT_MAX])
{
	int64_t days = t.s / DAY_S;
	int64_t s = t.s % DAY_S;

	if (s < 0) {
		s += DAY_S;
		days--;
	}
	struct date d = date_of_days(days);
	int n = snprintf(text, BERTH_TIME_TEXT_MAX, "%04lld-%02d-%02dT%02d:%02d:%02dZ",
			 (long long)d.year, d.month, d.day, (int)(s / 3600), (int)(s / 60 % 60),
			 (int)(s % 60));

	if (n < 0) {
		text[0] = '\0';
	}
	return text;
}

/* Exactly n digits; fails the cursor on anything else. */
static int
digits(struct berth_cursor *c, size_t n)
{
	struct berth_bytes text = berth_cursor_take(c, n);
	int v = 0;

	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9') {
			c->err = BERTH_E_SYNTAX;
			return 0;
		}
		v = v * 10 + (text.p[i] - '0');
	}
	return v;
}

static void
expect(struct berth_cursor *c, char wanted)
{
	if (berth_cursor_u8(c) != (uint8_t)wanted) {
		c->err = BERTH_E_SYNTAX;
	}
}

static int
peek(const struct berth_cursor *c)
{
	return berth_cursor_left(c) > 0 ? c->in.p[c->at] : -1;
}

static bool
date_exists(struct date d)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	if (d.year < 1 || d.month < 1 || d.month > 12 || d.day < 1) {
		return false;
	}
	bool is_leap = (d.year % 4 == 0 && d.year % 100 != 0) || d.year % 400 == 0;
	int length = lengths[d.month - 1] + (d.month == 2 && is_leap ? 1 : 0);

	return d.day <= length;
}

static void
skip_fraction(struct berth_cursor *c)
{
	if (peek(c) != '.') {
		return;
	}
	expect(c, '.');
	(void)digits(c, 1);
	while (!c->err && peek(c) >= '0' && peek(c) <= '9') {
		(void)digits(c, 1);
	}
}

/* "Z" or "+hh:mm"; seconds to subtract from the local time. */
static int64_t
zone_offset_s(struct berth_cursor *c)
{
	uint8_t sign = berth_cursor_u8(c);

	if (sign == 'Z' || sign == 'z') {
		return 0;
	}
	if (sign != '+' && sign != '-') {
		c->err = BERTH_E_SYNTAX;
		return 0;
	}
	int hours = digits(c, 2);

	expect(c, ':');
	int minutes = digits(c, 2);

	if (hours > 23 || minutes > 59) {
		c->err = BERTH_E_SYNTAX;
	}
	return (sign == '+' ? 1 : -1) * (int64_t)(hours * 3600 + minutes * 60);
}

static int64_t
read_wall(struct berth_cursor *c)
{
	struct date d = {.year = digits(c, 4)};

	expect(c, '-');
	d.month = digits(c, 2);
	expect(c, '-');
	d.day = digits(c, 2);
	expect(c, peek(c) == 't' ? 't' : 'T');
	int hours = digits(c, 2);

	expect(c, ':');
	int minutes = digits(c, 2);

	expect(c, ':');
	int seconds = digits(c, 2);

	skip_fraction(c);
	int64_t offset_s = zone_offset_s(c);
	bool is_leap_second = seconds == 60;

	if (is_leap_second) {
		seconds = 59;
	}
	if (!date_exists(d) || hours > 23 || minutes > 59 || seconds > 59) {
		c->err = BERTH_E_SYNTAX;
	}
	int64_t s = days_of_date(d) * DAY_S + hours * 3600 + minutes * 60 + seconds - offset_s;

	/* a leap second is always the last of a day in UTC; an offset may leave the years 1..9999
	 */
	if (is_leap_second && (s - FIRST_YEAR_S) % DAY_S != DAY_S - 1) {
		c->err = BERTH_E_SYNTAX;
	}
	if (s < FIRST_YEAR_S || s > BERTH_WALL_NO_EXPIRY.s) {
		c->err = BERTH_E_SYNTAX;
	}
	return s;
}

enum berth_err
berth_wall_parse(struct berth_bytes text, struct berth_wall *ret, struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(text);
	int64_t s = read_wall(&c);

	if (c.err || berth_cursor_left(&c) > 0) {
		return berth_fail_at(
			why, BERTH_E_SYNTAX, "time-syntax", "RFC 3339 5.6", c.at,
			"not a date and time like 2026-11-23T21:07:00Z (character %zu)", c.at);
	}
	*ret = (struct berth_wall){s};
	return BERTH_OK;
}

static int64_t
unit_s(struct berth_cursor *c)
{
	if (berth_cursor_left(c) == 0) {
		return 1;
	}
	switch (berth_cursor_u8(c)) {
	case 's':
		return 1;
	case 'm':
		return 60;
	case 'h':
		return 3600;
	case 'd':
		return DAY_S;
	default:
		c->err = BERTH_E_SYNTAX;
		return 0;
	}
}

enum berth_err
berth_duration_parse_s(struct berth_bytes text, int64_t *ret_s, struct berth_why *why)
{
	struct berth_cursor c = berth_cursor(text);
	int64_t v = digits(&c, 1);

	while (!c.err && peek(&c) >= '0' && peek(&c) <= '9') {
		int64_t next = digits(&c, 1);

		v = v > DURATION_MAX_S ? v : v * 10 + next;
	}
	int64_t s = unit_s(&c) * v;

	if (c.err || berth_cursor_left(&c) > 0) {
		return berth_fail_at(why, BERTH_E_SYNTAX, "duration-syntax", NULL, c.at,
				     "not a duration like 90s, 15m, 2h or 4d");
	}
	if (s > DURATION_MAX_S) {
		return berth_fail(why, BERTH_E_LIMIT, "duration-limit", NULL,
				  "a duration is at most ten years");
	}
	*ret_s = s;
	return BERTH_OK;
}

struct berth_mono
berth_mono_after_ms(struct berth_mono t, int64_t ms)
{
	int64_t sum = 0;

	if (__builtin_add_overflow(t.ms, ms, &sum)) {
		return ms > 0 ? BERTH_MONO_NEVER : (struct berth_mono){INT64_MIN};
	}
	return (struct berth_mono){sum};
}
