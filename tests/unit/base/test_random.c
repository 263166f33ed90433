/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/random.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* A linear congruence: even enough, and the same every time. */
static void
fill_from_counter(void *context, uint8_t *out, size_t n)
{
	uint32_t *seed = context;

	for (size_t i = 0; i < n; i++) {
		*seed = *seed * 1664525 + 1013904223;
		out[i] = (uint8_t)(*seed >> 24);
	}
}

static void
fill_from_script(void *context, uint8_t *out, size_t n)
{
	const uint8_t **script = context;

	memcpy(out, *script, n);
	*script += n;
}

static void
every_value_below_comes_about_as_often(void **state)
{
	(void)state;
	uint32_t seed = 1;
	const struct berth_random random = {fill_from_counter, &seed};
	int counts[7] = {0};

	for (int i = 0; i < 7000; i++) {
		uint32_t v = berth_random_below(&random, 7);

		assert_true(v < 7);
		counts[v]++;
	}
	for (int i = 0; i < 7; i++) {
		assert_in_range(counts[i], 850, 1150);
	}
	assert_int_equal(berth_random_below(&random, 1), 0);
}

static void
draws_again_where_a_remainder_would_be_likelier(void **state)
{
	(void)state;
	/* 2^32 mod 3 is 1: the value 0 is drawn again */
	static const uint8_t script[] = {0, 0, 0, 0, 0, 0, 0, 1};
	const uint8_t *at = script;
	const struct berth_random random = {fill_from_script, &at};

	assert_int_equal(berth_random_below(&random, 3), 1);
	assert_ptr_equal(at, script + sizeof(script));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_value_below_comes_about_as_often),
		cmocka_unit_test(draws_again_where_a_remainder_would_be_likelier),
	};

	return cmocka_run_group_tests_name("base/random", tests, NULL, NULL);
}
