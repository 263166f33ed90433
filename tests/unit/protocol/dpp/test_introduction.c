/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/introduction.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pki/keystore/keystore.h"
#include "support/dpp_fixture.h"

static struct berth_pki *pki;
static const struct berth_wall today = {1800000000};

struct world {
	struct dpp_random random;
	struct berth_key *c_sign;
	struct berth_ec_point c_sign_point;
	struct dpp_key key[2]; /* station, access point */
	struct berth_dpp_connector connector[2];
	struct berth_buf jws[2];
};

static void
prepare(struct world *w, enum berth_ec_curve sta, enum berth_ec_curve ap)
{
	w->random.seed = 8;
	dpp_key_make(pki, sta, &w->random, &w->key[0]);
	dpp_key_make(pki, ap, &w->random, &w->key[1]);
	assert_int_equal(berth_keystore_ephemeral(pki, "P-384", &w->c_sign, NULL), BERTH_OK);
	assert_int_equal(berth_ec_of_key(pki, w->c_sign, &w->c_sign_point, NULL), BERTH_OK);
	for (int side = 0; side < 2; side++)
		w->connector[side] = (struct berth_dpp_connector){
			.groups = {{"lab", side == 0 ? BERTH_DPP_STA : BERTH_DPP_AP}},
			.group_count = 1,
			.key = w->key[side].bootstrapping.point,
			.expiry = {today.s + 100 + side},
			.version = 2,
		};
}

static enum berth_err
introduce(struct world *w, int side, uint8_t frame_version, struct berth_dpp_introduced *ret,
	  enum berth_dpp_status *status, struct berth_why *why)
{
	for (int i = 0; i < 2; i++) {
		BERTH_BUF payload = {0};
		berth_buf_clear(&w->jws[i]);
		assert_int_equal(berth_dpp_connector_write(&w->connector[i], &payload, NULL),
				 BERTH_OK);
		assert_int_equal(berth_dpp_connector_sign(pki, w->c_sign, berth_buf_view(&payload),
							  &w->jws[i], NULL, NULL),
				 BERTH_OK);
	}
	return berth_dpp_introduce(pki, &w->c_sign_point, &w->connector[side], &w->key[side].scalar,
				   berth_buf_view(&w->jws[1 - side]), frame_version, today, ret,
				   status, why);
}

static void
finish(struct world *w)
{
	for (int side = 0; side < 2; side++) {
		dpp_key_free(&w->key[side]);
		berth_buf_free(&w->jws[side]);
	}
	berth_key_free(w->c_sign);
}

static void
both_find_the_same_key_on_every_curve(void **state)
{
	(void)state;
	for (int curve = 0; curve < BERTH_EC__COUNT; curve++) {
		struct world w = {0};
		struct berth_dpp_introduced a = {0}, b = {0};
		prepare(&w, (enum berth_ec_curve)curve, (enum berth_ec_curve)curve);
		assert_int_equal(introduce(&w, 0, 2, &a, NULL, NULL), BERTH_OK);
		assert_int_equal(introduce(&w, 1, 2, &b, NULL, NULL), BERTH_OK);
		assert_true(berth_secret_equal(&a.pmk, berth_bytes_of(b.pmk.p, b.pmk.n)));
		assert_memory_equal(a.pmkid, b.pmkid, sizeof(a.pmkid));
		assert_int_equal(a.end.s, today.s + 100);
		berth_secret_free(&a.pmk);
		berth_secret_free(&b.pmk);
		finish(&w);
	}
}

static void
refused(void (*alter)(struct world *), uint8_t frame_version, const char *rule,
	enum berth_dpp_status expected)
{
	struct world w = {0};
	struct berth_dpp_introduced ret = {0};
	enum berth_dpp_status status = BERTH_DPP_OK;
	struct berth_why why = {0};

	prepare(&w, BERTH_EC_P256, BERTH_EC_P256);
	if (alter != NULL)
		alter(&w);
	enum berth_err err = introduce(&w, 0, frame_version, &ret, &status, &why);
	assert_int_equal(status, expected);
	if (rule == NULL) {
		assert_int_equal(err, BERTH_OK);
		berth_secret_free(&ret.pmk);
	} else {
		assert_int_not_equal(err, BERTH_OK);
		assert_string_equal(why.rule, rule);
	}
	finish(&w);
}

static void
end_it(struct world *w)
{
	w->connector[1].expiry = today;
}

static void
move_it(struct world *w)
{
	memcpy(w->connector[1].groups[0].id, "war", 4);
}

static void
make_it_any(struct world *w)
{
	memcpy(w->connector[1].groups[0].id, "*", 2);
}

static void
make_it_a_station(struct world *w)
{
	w->connector[1].groups[0].role = BERTH_DPP_STA;
}

static void
curve_it(struct world *w)
{
	dpp_key_free(&w->key[1]);
	dpp_key_make(pki, BERTH_EC_P384, &w->random, &w->key[1]);
	w->connector[1].key = w->key[1].bootstrapping.point;
}

static void
resign_it(struct world *w)
{
	BERTH_KEY *other = NULL;

	assert_int_equal(berth_keystore_ephemeral(pki, "P-384", &other, NULL), BERTH_OK);
	assert_int_equal(berth_ec_of_key(pki, other, &w->c_sign_point, NULL), BERTH_OK);
}

static void
each_change_is_refused_with_its_status(void **state)
{
	(void)state;
	refused(NULL, 2, NULL, BERTH_DPP_OK);
	refused(make_it_any, 2, NULL, BERTH_DPP_OK);
	refused(end_it, 2, "dpp-connector-expired", BERTH_DPP_INVALID_CONNECTOR);
	refused(resign_it, 2, "dpp-kid", BERTH_DPP_INVALID_CONNECTOR);
	refused(move_it, 2, "dpp-no-match", BERTH_DPP_NO_MATCH);
	refused(make_it_a_station, 2, "dpp-no-match", BERTH_DPP_NO_MATCH);
	refused(curve_it, 2, "dpp-group", BERTH_DPP_NO_MATCH);
	refused(NULL, 1, "dpp-version-changed", BERTH_DPP_NO_MATCH);
	refused(NULL, 0, "dpp-version-changed", BERTH_DPP_NO_MATCH);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_find_the_same_key_on_every_curve),
		cmocka_unit_test(each_change_is_refused_with_its_status),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
