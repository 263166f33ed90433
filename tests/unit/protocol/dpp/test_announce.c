/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/dpp/announce.h"

static const uint32_t us[] = {2412, 2437, 2462, 5180, 5220, 5745};

static void
fill(void *context, uint8_t *out, size_t n)
{
	uint8_t *next = context;

	for (size_t i = 0; i < n; i++)
		out[i] = *next = (uint8_t)(*next * 5 + 3);
}

static struct berth_dpp_announce
start(const uint32_t *preferred, size_t n, uint8_t *seed)
{
	const struct berth_dpp_announce_conf conf = {
		.random = {fill, seed},
		.allowed = us,
		.allowed_count = sizeof(us) / sizeof(us[0]),
		.preferred = preferred,
		.preferred_count = n,
	};
	struct berth_dpp_announce a;
	struct berth_why why = {0};

	assert_int_equal(berth_dpp_announce_start(&conf, (struct berth_mono){0}, &a, &why),
			 BERTH_OK);
	return a;
}

static void
expect_speak(struct berth_dpp_announce *a, struct berth_mono *now, uint32_t frequency)
{
	struct berth_dpp_announce_step step;

	berth_dpp_announce_next(a, *now, &step);
	assert_int_equal(step.kind, BERTH_DPP_ANNOUNCE_SPEAK);
	assert_int_equal(step.frequency, frequency);
	now->ms += BERTH_DPP_ANNOUNCE_LISTEN_MS;
	berth_dpp_announce_spoken(a, *now);
}

static void
expect_scan(struct berth_dpp_announce *a, struct berth_mono *now, const uint32_t *found, size_t n)
{
	struct berth_dpp_announce_step step;

	berth_dpp_announce_next(a, *now, &step);
	assert_int_equal(step.kind, BERTH_DPP_ANNOUNCE_SCAN);
	now->ms += 3000;
	berth_dpp_announce_scanned(a, found, n);
}

/* How long it rests; and it is over the rest. */
static int64_t
expect_rest(struct berth_dpp_announce *a, struct berth_mono *now)
{
	struct berth_dpp_announce_step step;
	struct berth_mono deadline = berth_dpp_announce_deadline(a);
	int64_t ms = deadline.ms - now->ms;

	now->ms = deadline.ms - 1;
	berth_dpp_announce_next(a, *now, &step);
	assert_int_equal(step.kind, BERTH_DPP_ANNOUNCE_REST);
	now->ms++;
	return ms;
}

static void
goes_first_where_somebody_most_likely_listens(void **state)
{
	static const uint32_t preferred[] = {5180, 9999};
	static const uint32_t found[] = {2462, 2437, 2462, 60480};
	struct berth_mono now = {0};
	uint8_t seed = 1;
	struct berth_dpp_announce a = start(preferred, 2, &seed);

	(void)state;
	expect_speak(&a, &now, 5180); /* of its URI; 9999 is not allowed */
	expect_scan(&a, &now, found, 4);
	expect_speak(&a, &now, 2462); /* tells of a Configurator; each once, allowed ones alone */
	expect_speak(&a, &now, 2437);
	expect_speak(&a, &now, 5745); /* the usual ones that are left */
	assert_in_range(expect_rest(&a, &now), 27000, 33000);
	/* no scan in the next three rounds */
	for (int i = 0; i < 3; i++) {
		expect_speak(&a, &now, 5180);
		expect_speak(&a, &now, 2462);
		expect_speak(&a, &now, 2437);
		expect_speak(&a, &now, 5745);
		(void)expect_rest(&a, &now);
	}
	expect_speak(&a, &now, 5180);
	expect_scan(&a, &now, NULL, 0);
	expect_speak(&a, &now, 2437); /* the access points are gone */
}

static void
takes_channel_44_where_149_is_not_allowed(void **state)
{
	uint8_t seed = 1;
	const struct berth_dpp_announce_conf conf = {
		.random = {fill, &seed}, .allowed = us, .allowed_count = 5};
	struct berth_mono now = {0};
	struct berth_dpp_announce a;
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_dpp_announce_start(&conf, now, &a, &why), BERTH_OK);
	expect_scan(&a, &now, NULL, 0);
	expect_speak(&a, &now, 2437);
	expect_speak(&a, &now, 5220);
}

static void
refuses_to_speak_where_nobody_would_listen(void **state)
{
	static const uint32_t preferred[] = {5180};
	struct berth_dpp_announce_conf conf = {.allowed = us, .allowed_count = 1};
	struct berth_dpp_announce a;
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_dpp_announce_start(&conf, (struct berth_mono){0}, &a, &why),
			 BERTH_E_UNSUPPORTED);
	assert_string_equal(why.rule, "dpp-announce-channels");
	conf.allowed_count = 6;
	conf.prefers_only = true;
	assert_int_equal(berth_dpp_announce_start(&conf, (struct berth_mono){0}, &a, &why),
			 BERTH_E_UNSUPPORTED);
	conf.preferred = preferred;
	conf.preferred_count = 1;
	assert_int_equal(berth_dpp_announce_start(&conf, (struct berth_mono){0}, &a, &why),
			 BERTH_OK);
}

static void
goes_on_for_hours_and_never_waits_longer_than_its_limit(void **state)
{
	struct berth_mono now = {0};
	uint8_t seed = 1;
	struct berth_dpp_announce a = start(NULL, 0, &seed);
	struct berth_dpp_announce_step step;
	int64_t longest = 0;
	unsigned rounds = 0;
	unsigned early = 0;

	(void)state;
	while (now.ms < 24LL * 3600 * 1000) {
		berth_dpp_announce_next(&a, now, &step);
		if (step.kind == BERTH_DPP_ANNOUNCE_SPEAK) {
			now.ms += BERTH_DPP_ANNOUNCE_LISTEN_MS;
			berth_dpp_announce_spoken(&a, now);
		} else if (step.kind == BERTH_DPP_ANNOUNCE_SCAN) {
			berth_dpp_announce_scanned(&a, NULL, 0);
		} else {
			int64_t pause = berth_dpp_announce_deadline(&a).ms - now.ms;
			assert_true(pause > 0);
			longest = pause > longest ? pause : longest;
			early += pause <= 33000;
			rounds++;
			now.ms += pause;
		}
	}
	assert_int_equal(early, BERTH_DPP_ANNOUNCE_EAGER_ROUNDS);
	assert_in_range(longest, 540000, 660000);
	assert_in_range(rounds, 130, 200);
}

static void
tries_again_first_where_an_attempt_failed(void **state)
{
	struct berth_mono now = {0};
	uint8_t seed = 1;
	struct berth_dpp_announce a = start(NULL, 0, &seed);
	struct berth_dpp_announce_step step;

	(void)state;
	expect_scan(&a, &now, NULL, 0);
	berth_dpp_announce_hold(&a, 5745);
	berth_dpp_announce_next(&a, now, &step);
	assert_int_equal(step.kind, BERTH_DPP_ANNOUNCE_REST);
	assert_int_equal(berth_dpp_announce_deadline(&a).ms, BERTH_MONO_NEVER.ms);
	for (int i = 0; i < BERTH_DPP_ANNOUNCE_AGAIN_MAX; i++) {
		berth_dpp_announce_hold(&a, 5745);
		berth_dpp_announce_resume(&a, now);
		assert_int_equal(expect_rest(&a, &now), BERTH_DPP_ANNOUNCE_AGAIN_MS);
		berth_dpp_announce_next(&a, now, &step);
		assert_int_equal(step.kind, BERTH_DPP_ANNOUNCE_SPEAK);
		assert_int_equal(step.frequency, 5745);
	}
	/* whoever fails it again and again does not keep it from the other channels */
	berth_dpp_announce_hold(&a, 5745);
	berth_dpp_announce_resume(&a, now);
	expect_speak(&a, &now, 2437);
	expect_speak(&a, &now, 5745);
	(void)expect_rest(&a, &now);
}

static void
silence_after_the_try_leads_back_into_the_round(void **state)
{
	struct berth_mono now = {0};
	uint8_t seed = 1;
	struct berth_dpp_announce a = start(NULL, 0, &seed);

	(void)state;
	expect_scan(&a, &now, NULL, 0);
	expect_speak(&a, &now, 2437);
	berth_dpp_announce_hold(&a, 2437);
	berth_dpp_announce_resume(&a, now);
	(void)expect_rest(&a, &now);
	expect_speak(&a, &now, 2437);
	expect_speak(&a, &now, 5745);
	assert_in_range(expect_rest(&a, &now), 27000, 33000);
}

static void
an_attempt_makes_it_as_eager_as_at_the_start(void **state)
{
	static const uint32_t preferred[] = {2437};
	struct berth_dpp_announce_conf conf = {.allowed = us,
					       .allowed_count = 6,
					       .preferred = preferred,
					       .preferred_count = 1,
					       .prefers_only = true};
	struct berth_mono now = {0};
	struct berth_dpp_announce a;
	struct berth_why why = {0};
	uint8_t seed = 1;

	(void)state;
	conf.random = (struct berth_random){fill, &seed};
	assert_int_equal(berth_dpp_announce_start(&conf, now, &a, &why), BERTH_OK);
	for (int i = 0; i < 20; i++) {
		expect_speak(&a, &now, 2437);
		(void)expect_rest(&a, &now);
	}
	berth_dpp_announce_hold(&a, 2437);
	berth_dpp_announce_resume(&a, now);
	(void)expect_rest(&a, &now);
	expect_speak(&a, &now, 2437);
	expect_speak(&a, &now, 2437);
	assert_in_range(expect_rest(&a, &now), 27000, 33000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_first_where_somebody_most_likely_listens),
		cmocka_unit_test(takes_channel_44_where_149_is_not_allowed),
		cmocka_unit_test(refuses_to_speak_where_nobody_would_listen),
		cmocka_unit_test(goes_on_for_hours_and_never_waits_longer_than_its_limit),
		cmocka_unit_test(tries_again_first_where_an_attempt_failed),
		cmocka_unit_test(silence_after_the_try_leads_back_into_the_round),
		cmocka_unit_test(an_attempt_makes_it_as_eager_as_at_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
