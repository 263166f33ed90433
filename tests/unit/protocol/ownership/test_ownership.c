/* SPDX-License-Identifier: BSD-2-Clause */
/* What is decided of a claim, a release and a transfer; who asks is judged in tests/interop/ownership.sh. */
#include "protocol/ownership/ownership.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
	struct berth_pki *pki;
	struct berth_ownership o;
	struct berth_ownership_facts facts; /* of a unit that nobody owns, and its code */
};

static void
count_up(void *context, uint8_t *out, size_t n)
{
	(void)context;
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)i;
}

static void
begin(struct world *w, enum berth_ownership_act act)
{
	const struct berth_random random = {count_up, NULL};

	berth_ownership_end(&w->o);
	berth_ownership_start(&w->o, w->pki, act, (struct berth_now){0});
	berth_claim_code_draw(&random, &w->o.request.code);
	w->facts = (struct berth_ownership_facts){.is_known = true, .has_code = true};
	assert_int_equal(berth_claim_code_digest(w->pki, &w->o.request.code, &w->facts.code, NULL),
			 BERTH_OK);
}

static int
start(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	assert_int_equal(berth_pki_open(&w->pki, NULL), BERTH_OK);
	begin(w, BERTH_OWNERSHIP_CLAIM);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;

	berth_ownership_end(&w->o);
	berth_pki_close(w->pki);
	free(w);
	return 0;
}

static void
refused(struct world *w, int status, const char *rule, enum berth_ownership_effect effect)
{
	assert_int_not_equal(berth_ownership_decide(&w->o, &w->facts), BERTH_OK);
	assert_string_equal(w->o.why.rule, rule);
	assert_int_equal(w->o.response.status, status);
	assert_int_equal(w->o.effect, effect);
	assert_int_equal(w->o.decision.outcome, BERTH_OUTCOME_DENY);
}

static void
a_code_makes_an_owner(void **state)
{
	struct world *w = *state;

	assert_int_equal(berth_ownership_decide(&w->o, &w->facts), BERTH_OK);
	assert_int_equal(w->o.effect, BERTH_OWNERSHIP_SET);
}

/* req: berth-claim-code */
static void
refuses_another_code_and_counts_it(void **state)
{
	struct world *w = *state;

	w->o.request.code.symbols[0] ^= 1;
	refused(w, 403, "berth-claim-code", BERTH_OWNERSHIP_COUNT_WRONG);
}

/* A stranger does not learn which units there are. */
static void
refuses_unknown_units_as_it_refuses_wrong_codes(void **state)
{
	struct world *w = *state;

	w->facts.is_known = false;
	refused(w, 403, "berth-claim-code", BERTH_OWNERSHIP_COUNT_WRONG);
	begin(w, BERTH_OWNERSHIP_CLAIM);
	w->facts.has_code = false;
	refused(w, 403, "berth-claim-code", BERTH_OWNERSHIP_COUNT_WRONG);
}

/* req: berth-claim-once */
static void
refuses_a_used_code(void **state)
{
	struct world *w = *state;

	w->facts.code_is_used = true;
	refused(w, 403, "berth-claim-once", BERTH_OWNERSHIP_NOTHING);
}

static void
refuses_what_another_owns(void **state)
{
	struct world *w = *state;

	w->facts.has_owner = true;
	refused(w, 403, "rfc8995-5.5-owner", BERTH_OWNERSHIP_NOTHING);
}

static void
the_owner_may_claim_again_and_nothing_happens(void **state)
{
	struct world *w = *state;

	w->facts.has_owner = w->facts.owner_is_asker = w->facts.code_is_used = true;
	assert_int_equal(berth_ownership_decide(&w->o, &w->facts), BERTH_OK);
	assert_int_equal(w->o.effect, BERTH_OWNERSHIP_NOTHING);
}

/* The right code too: else the answer would tell which guess was right. */
/* req: berth-claim-rate */
static void
looks_at_no_code_after_too_many_wrong_ones(void **state)
{
	struct world *w = *state;

	w->facts.unit_wait_s = 60;
	refused(w, 429, "berth-claim-rate", BERTH_OWNERSHIP_NOTHING);
	assert_int_equal(w->o.response.retry_after_s, 60);
	begin(w, BERTH_OWNERSHIP_CLAIM);
	w->facts.source_wait_s = 7;
	refused(w, 429, "berth-claim-rate", BERTH_OWNERSHIP_NOTHING);
}

static void
refuses_a_withdrawn_unit(void **state)
{
	struct world *w = *state;

	w->facts.is_withdrawn = true;
	refused(w, 403, "berth-masa-unit-withdrawn", BERTH_OWNERSHIP_NOTHING);
}

/* req: berth-ownership-own */
static void
only_the_owner_lets_go(void **state)
{
	struct world *w = *state;
	static const enum berth_ownership_act acts[] = {BERTH_OWNERSHIP_RELEASE,
							BERTH_OWNERSHIP_TRANSFER};
	static const enum berth_ownership_effect effects[] = {BERTH_OWNERSHIP_END,
							      BERTH_OWNERSHIP_REPLACE};

	for (size_t i = 0; i < 2; i++) {
		begin(w, acts[i]);
		w->facts.has_owner = w->facts.owner_is_asker = true;
		assert_int_equal(berth_ownership_decide(&w->o, &w->facts), BERTH_OK);
		assert_int_equal(w->o.effect, effects[i]);
		begin(w, acts[i]);
		w->facts.has_owner = true;
		refused(w, 403, "berth-ownership-own", BERTH_OWNERSHIP_NOTHING);
		begin(w, acts[i]);
		refused(w, 403, "berth-ownership-own", BERTH_OWNERSHIP_NOTHING);
	}
}

/* req: berth-ownership-again */
static void
who_let_go_hears_it_again_and_nothing_happens(void **state)
{
	struct world *w = *state;

	begin(w, BERTH_OWNERSHIP_RELEASE);
	w->facts.asker_let_go = true;
	assert_int_equal(berth_ownership_decide(&w->o, &w->facts), BERTH_OK);
	assert_int_equal(w->o.effect, BERTH_OWNERSHIP_NOTHING);
	begin(w, BERTH_OWNERSHIP_RELEASE);
	w->facts.asker_let_go = w->facts.asker_left_code = w->o.request.has_next_code = true;
	assert_int_equal(berth_ownership_decide(&w->o, &w->facts), BERTH_OK);
	assert_int_equal(w->o.effect, BERTH_OWNERSHIP_NEW_CODE);
	begin(w, BERTH_OWNERSHIP_TRANSFER);
	w->facts.asker_let_go = w->facts.has_owner = w->facts.owner_is_next = true;
	assert_int_equal(berth_ownership_decide(&w->o, &w->facts), BERTH_OK);
	assert_int_equal(w->o.effect, BERTH_OWNERSHIP_NOTHING);
}

/* Its former owner leaves no code at what is another's by now, and hands nobody what it has no more. */
static void
who_let_go_has_no_say_any_more(void **state)
{
	struct world *w = *state;

	begin(w, BERTH_OWNERSHIP_RELEASE);
	w->facts.asker_let_go = w->facts.asker_left_code = w->facts.has_owner =
		w->o.request.has_next_code = true;
	refused(w, 403, "berth-ownership-own", BERTH_OWNERSHIP_NOTHING);
	/* The manufacturer took it away: no code of its former owner's opens it. */
	begin(w, BERTH_OWNERSHIP_RELEASE);
	w->facts.asker_let_go = w->o.request.has_next_code = true;
	refused(w, 403, "berth-ownership-own", BERTH_OWNERSHIP_NOTHING);
	begin(w, BERTH_OWNERSHIP_TRANSFER);
	w->facts.asker_let_go = true;
	refused(w, 403, "berth-ownership-own", BERTH_OWNERSHIP_NOTHING);
	begin(w, BERTH_OWNERSHIP_TRANSFER);
	w->facts.asker_let_go = w->facts.has_owner = true;
	refused(w, 403, "berth-ownership-own", BERTH_OWNERSHIP_NOTHING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_code_makes_an_owner, start, end),
		cmocka_unit_test_setup_teardown(refuses_another_code_and_counts_it, start, end),
		cmocka_unit_test_setup_teardown(refuses_unknown_units_as_it_refuses_wrong_codes,
						start, end),
		cmocka_unit_test_setup_teardown(refuses_a_used_code, start, end),
		cmocka_unit_test_setup_teardown(refuses_what_another_owns, start, end),
		cmocka_unit_test_setup_teardown(the_owner_may_claim_again_and_nothing_happens,
						start, end),
		cmocka_unit_test_setup_teardown(looks_at_no_code_after_too_many_wrong_ones, start,
						end),
		cmocka_unit_test_setup_teardown(refuses_a_withdrawn_unit, start, end),
		cmocka_unit_test_setup_teardown(only_the_owner_lets_go, start, end),
		cmocka_unit_test_setup_teardown(who_let_go_hears_it_again_and_nothing_happens,
						start, end),
		cmocka_unit_test_setup_teardown(who_let_go_has_no_say_any_more, start, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
