/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/reconfiguration.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pki/keystore/keystore.h"
#include "support/dpp_fixture.h"

static struct berth_pki *pki;
static const struct berth_mono start = {1000};
static const struct berth_wall today = {1800000000};

struct world {
	struct dpp_random random;
	struct berth_key *c_sign;
	struct berth_ec_point c_sign_point;
	enum berth_ec_curve pp_curve;
	struct dpp_key net_access, pp_key, e_id;
	struct berth_buf connector;
	struct berth_dpp_reconfig_conf conf[2]; /* enrollee, configurator */
	struct berth_dpp_announcement announcement;
	struct berth_dpp_reconfig *enrollee, *configurator;
	struct berth_buf request, response, confirm;
	struct berth_why why;
};

static void
sign(struct world *w, struct berth_key *key, struct berth_bytes payload, struct berth_buf *out)
{
	assert_int_equal(berth_dpp_connector_sign(pki, key, payload, out, NULL, &w->why), BERTH_OK);
}

static void
sign_for(struct world *w, enum berth_dpp_net_role role, struct berth_wall expiry)
{
	BERTH_BUF payload = {0};
	const struct berth_dpp_connector connector = {
		.groups = {{"lab", role}},
		.group_count = 1,
		.key = w->net_access.bootstrapping.point,
		.expiry = expiry,
	};

	berth_buf_clear(&w->connector);
	assert_int_equal(berth_dpp_connector_write(&connector, &payload, NULL), BERTH_OK);
	sign(w, w->c_sign, berth_buf_view(&payload), &w->connector);
}

static void
prepare_for(struct world *w, enum berth_ec_curve curve, enum berth_ec_curve configurators)
{
	const char *name = berth_ec_facts(configurators)->name;

	w->random.seed = 4;
	w->pp_curve = configurators;
	dpp_key_make(pki, curve, &w->random, &w->net_access);
	dpp_key_make(pki, configurators, &w->random, &w->pp_key);
	dpp_key_make(pki, configurators, &w->random, &w->e_id);
	assert_int_equal(berth_keystore_ephemeral(pki, name, &w->c_sign, NULL), BERTH_OK);
	assert_int_equal(berth_ec_of_key(pki, w->c_sign, &w->c_sign_point, NULL), BERTH_OK);
	/* it ended yesterday: that is what reconfiguration is for */
	sign_for(w, BERTH_DPP_STA, (struct berth_wall){today.s - 86400});
	for (int side = 0; side < 2; side++)
		w->conf[side] = (struct berth_dpp_reconfig_conf){
			.pki = pki,
			.random = dpp_random_source(&w->random),
			.version = side == 0 ? 2 : 3,
			.c_sign = w->c_sign_point,
			.now = today,
			.replaces_key = true,
			.trusts_clock = true,
		};
	w->conf[0].connector = berth_buf_view(&w->connector);
	w->conf[0].net_access_key = w->net_access.bootstrapping.point;
}

static void
prepare(struct world *w, enum berth_ec_curve curve)
{
	prepare_for(w, curve, BERTH_EC_P256);
}

static void
finish(struct world *w)
{
	berth_dpp_reconfig_end(w->enrollee);
	berth_dpp_reconfig_end(w->configurator);
	dpp_key_free(&w->net_access);
	dpp_key_free(&w->pp_key);
	dpp_key_free(&w->e_id);
	berth_buf_free(&w->connector);
	berth_buf_free(&w->request);
	berth_buf_free(&w->response);
	berth_buf_free(&w->confirm);
	berth_key_free(w->c_sign);
}

static void
parse(const struct berth_buf *body, struct berth_dpp_frame *frame)
{
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(body), frame, NULL), BERTH_OK);
}

static void
take_output(struct berth_dpp_reconfig *from, struct berth_buf *into)
{
	struct berth_bytes body;

	assert_true(berth_dpp_reconfig_output(from, &body));
	berth_buf_clear(into);
	assert_int_equal(berth_buf_append_bytes(into, body), BERTH_OK);
}

static void
announce(struct world *w)
{
	BERTH_BUF body = {0};
	struct berth_dpp_frame frame;

	assert_int_equal(berth_dpp_reconfig_announce(
				 pki, &w->conf[0].random, &w->c_sign_point,
				 &w->pp_key.bootstrapping.point, &w->e_id.bootstrapping.point,
				 w->conf[0].net_access_key.curve, &body, &w->why),
			 BERTH_OK);
	parse(&body, &frame);
	assert_int_equal(
		berth_dpp_announcement_parse(pki, w->pp_curve, &frame, &w->announcement, &w->why),
		BERTH_OK);
}

/* Up to the request that the configurator sends. */
static void
begin(struct world *w)
{
	struct berth_dpp_reconfig_event event;
	BERTH_BUF connector = {0};

	announce(w);
	assert_int_equal(berth_dpp_reconfig_begin(&w->conf[1], start, &w->announcement,
						  &w->configurator, &w->why),
			 BERTH_OK);
	assert_true(berth_dpp_reconfig_event(w->configurator, &event));
	assert_int_equal(event.kind, BERTH_DPP_RECONFIG_SIGN);
	sign(w, w->c_sign, event.payload, &connector);
	assert_int_equal(
		berth_dpp_reconfig_signed(w->configurator, berth_buf_view(&connector), &w->why),
		BERTH_OK);
	take_output(w->configurator, &w->request);
}

static enum berth_err
respond(struct world *w)
{
	struct berth_dpp_frame frame;
	struct berth_dpp_reconfig_event event;
	struct berth_ec_point product;

	parse(&w->request, &frame);
	enum berth_err err =
		berth_dpp_reconfig_respond(&w->conf[0], start, &frame, &w->enrollee, &w->why);
	if (err)
		return err;
	assert_true(berth_dpp_reconfig_event(w->enrollee, &event));
	assert_int_equal(event.kind, BERTH_DPP_RECONFIG_MULTIPLY);
	assert_int_equal(
		berth_ec_multiply(pki, &w->net_access.scalar, &event.point, &product, NULL),
		BERTH_OK);
	assert_int_equal(berth_dpp_reconfig_product(w->enrollee, BERTH_OK, &product, &w->why),
			 BERTH_OK);
	take_output(w->enrollee, &w->response);
	return BERTH_OK;
}

static void
give_response(struct world *w)
{
	struct berth_dpp_frame frame;
	struct berth_dpp_reconfig_event event;

	parse(&w->response, &frame);
	assert_int_equal(berth_dpp_reconfig_input(w->configurator, start, &frame, &w->why),
			 BERTH_OK);
	assert_true(berth_dpp_reconfig_event(w->configurator, &event));
	assert_int_equal(event.kind, BERTH_DPP_RECONFIG_KNOWN);
	assert_string_equal(event.connector->groups[0].id, "lab");
	assert_true(berth_ec_equal(&event.connector->key, &w->net_access.bootstrapping.point));
}

static void
both_share_keys(enum berth_ec_curve curve, enum berth_ec_curve configurators, bool replaces)
{
	struct world w = {0};
	struct berth_dpp_frame frame;
	struct berth_dpp_reconfig_event event;
	struct berth_dpp_secrets secrets[2];

	prepare_for(&w, curve, configurators);
	w.conf[1].replaces_key = replaces;
	begin(&w);
	assert_int_equal(respond(&w), BERTH_OK);
	give_response(&w);
	assert_int_equal(berth_dpp_reconfig_allow(w.configurator, true, &w.why), BERTH_OK);
	take_output(w.configurator, &w.confirm);
	parse(&w.confirm, &frame);
	assert_int_equal(berth_dpp_reconfig_input(w.enrollee, start, &frame, &w.why), BERTH_OK);
	assert_true(berth_dpp_reconfig_event(w.enrollee, &event));
	assert_int_equal(event.kind, BERTH_DPP_RECONFIG_DONE);
	assert_true(berth_dpp_reconfig_event(w.configurator, &event));
	assert_int_equal(event.kind, BERTH_DPP_RECONFIG_DONE);
	berth_dpp_reconfig_take(w.enrollee, &secrets[0]);
	berth_dpp_reconfig_take(w.configurator, &secrets[1]);
	assert_true(berth_secret_equal(&secrets[0].ke,
				       berth_bytes_of(secrets[1].ke.p, secrets[1].ke.n)));
	assert_true(berth_ec_equal(&secrets[0].own_key, &secrets[1].peer_key));
	assert_int_equal(berth_ec_equal(&secrets[0].own_key, &w.net_access.bootstrapping.point),
			 !replaces);
	assert_int_equal(secrets[0].scalar.n > 0, replaces);
	assert_int_equal(secrets[0].version, 2);
	assert_int_equal(secrets[1].role, BERTH_DPP_CONFIGURATOR);
	berth_dpp_secrets_free(&secrets[0]);
	berth_dpp_secrets_free(&secrets[1]);
	finish(&w);
}

static void
a_device_whose_connector_ended_is_known_again(void **state)
{
	(void)state;
	for (int curve = 0; curve < BERTH_EC__COUNT; curve++) {
		both_share_keys((enum berth_ec_curve)curve, BERTH_EC_P256, true);
		both_share_keys((enum berth_ec_curve)curve, BERTH_EC_P256, false);
	}
}

/* hwsim's test_dpp_reconfig_connector_different_groups: C-sign key and ppKey on another curve than the netAccessKey */
static void
the_configurators_keys_may_be_on_another_curve(void **state)
{
	(void)state;
	both_share_keys(BERTH_EC_P256, BERTH_EC_P384, true);
	both_share_keys(BERTH_EC_P256, BERTH_EC_P521, false);
	both_share_keys(BERTH_EC_P384, BERTH_EC_P521, true);
}

static void
only_the_configurator_knows_who_announces_itself(void **state)
{
	struct world w = {0};
	struct berth_dpp_announcement first;
	struct berth_ec_point product, e_id;

	(void)state;
	prepare(&w, BERTH_EC_P256);
	announce(&w);
	first = w.announcement;
	announce(&w);
	assert_false(berth_ec_equal(&first.masked_id, &w.announcement.masked_id));
	assert_int_equal(
		berth_ec_multiply(pki, &w.pp_key.scalar, &w.announcement.a_nonce, &product, NULL),
		BERTH_OK);
	assert_int_equal(berth_dpp_announcement_unmask(pki, &w.announcement, &product, &e_id, NULL),
			 BERTH_OK);
	assert_true(berth_ec_equal(&e_id, &w.e_id.bootstrapping.point));
	finish(&w);
}

static void
a_device_of_another_network_is_not_asked(void **state)
{
	struct world w = {0};

	(void)state;
	prepare(&w, BERTH_EC_P256);
	announce(&w);
	w.announcement.c_sign_hash[0] ^= 1;
	assert_int_equal(berth_dpp_reconfig_begin(&w.conf[1], start, &w.announcement,
						  &w.configurator, &w.why),
			 BERTH_E_UNTRUSTED);
	assert_string_equal(w.why.rule, "dpp-foreign-c-sign");
	finish(&w);
}

/* The rogue has a C-sign key of its own and copies the announcement's hash. */
static void
a_foreign_configurator_is_not_answered(void **state)
{
	struct world w = {0};
	BERTH_KEY *rogue = NULL;
	struct berth_key *kept;

	(void)state;
	prepare(&w, BERTH_EC_P256);
	assert_int_equal(berth_keystore_ephemeral(pki, "P-256", &rogue, NULL), BERTH_OK);
	kept = w.c_sign;
	w.c_sign = rogue;
	begin(&w);
	w.c_sign = kept;
	assert_int_equal(respond(&w), BERTH_E_MISMATCH);
	assert_string_equal(w.why.rule, "dpp-kid");
	finish(&w);
}

/* A station of the same network has a Connector with a good signature, and is no Configurator for that. */
static void
a_neighbour_is_no_configurator(void **state)
{
	struct world w = {0};
	struct berth_dpp_reconfig_event event;

	(void)state;
	prepare(&w, BERTH_EC_P256);
	announce(&w);
	assert_int_equal(berth_dpp_reconfig_begin(&w.conf[1], start, &w.announcement,
						  &w.configurator, &w.why),
			 BERTH_OK);
	assert_true(berth_dpp_reconfig_event(w.configurator, &event));
	assert_int_equal(
		berth_dpp_reconfig_signed(w.configurator, berth_buf_view(&w.connector), &w.why),
		BERTH_OK);
	take_output(w.configurator, &w.request);
	assert_int_equal(respond(&w), BERTH_E_UNTRUSTED);
	assert_string_equal(w.why.rule, "dpp-not-configurator");
	finish(&w);
}

static void
who_is_denied_is_told(void **state)
{
	struct world w = {0};
	struct berth_dpp_frame frame;
	struct berth_dpp_reconfig_event event;

	(void)state;
	prepare(&w, BERTH_EC_P256);
	begin(&w);
	assert_int_equal(respond(&w), BERTH_OK);
	give_response(&w);
	assert_int_equal(berth_dpp_reconfig_allow(w.configurator, false, &w.why), BERTH_OK);
	take_output(w.configurator, &w.confirm);
	parse(&w.confirm, &frame);
	assert_int_equal(berth_dpp_reconfig_input(w.enrollee, start, &frame, &w.why), BERTH_OK);
	assert_true(berth_dpp_reconfig_event(w.enrollee, &event));
	assert_int_equal(event.kind, BERTH_DPP_RECONFIG_FAILED);
	assert_string_equal(event.why.rule, "dpp-confirm-status");
	finish(&w);
}

static void
no_altered_octet_passes(void **state)
{
	struct world w = {0};
	struct berth_dpp_frame frame;
	struct berth_dpp_reconfig_event event;

	(void)state;
	prepare(&w, BERTH_EC_P256);
	begin(&w);
	assert_int_equal(respond(&w), BERTH_OK);
	for (size_t i = 7; i < w.response.n; i++) {
		struct berth_why why = {0};
		w.response.p[i] ^= 4;
		enum berth_err err =
			berth_dpp_frame_parse(berth_buf_view(&w.response), &frame, &why);
		err = err ? err : berth_dpp_reconfig_input(w.configurator, start, &frame, &why);
		assert_int_not_equal(err, BERTH_OK);
		assert_false(berth_dpp_reconfig_event(w.configurator, &event));
		w.response.p[i] ^= 4;
	}
	give_response(&w);
	assert_int_equal(berth_dpp_reconfig_allow(w.configurator, true, &w.why), BERTH_OK);
	take_output(w.configurator, &w.confirm);
	for (size_t i = 7; i < w.confirm.n; i++) {
		struct berth_why why = {0};
		w.confirm.p[i] ^= 4;
		enum berth_err err =
			berth_dpp_frame_parse(berth_buf_view(&w.confirm), &frame, &why);
		err = err ? err : berth_dpp_reconfig_input(w.enrollee, start, &frame, &why);
		assert_int_not_equal(err, BERTH_OK);
		assert_false(berth_dpp_reconfig_event(w.enrollee, &event));
		w.confirm.p[i] ^= 4;
	}
	parse(&w.confirm, &frame);
	assert_int_equal(berth_dpp_reconfig_input(w.enrollee, start, &frame, &w.why), BERTH_OK);
	finish(&w);
}

static void
silence_ends_it(void **state)
{
	struct world w = {0};
	struct berth_dpp_reconfig_event event;

	(void)state;
	prepare(&w, BERTH_EC_P256);
	begin(&w);
	berth_dpp_reconfig_tick(w.configurator, berth_dpp_reconfig_deadline(w.configurator));
	assert_true(berth_dpp_reconfig_event(w.configurator, &event));
	assert_string_equal(event.why.rule, "dpp-timeout");
	finish(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_whose_connector_ended_is_known_again),
		cmocka_unit_test(the_configurators_keys_may_be_on_another_curve),
		cmocka_unit_test(only_the_configurator_knows_who_announces_itself),
		cmocka_unit_test(a_device_of_another_network_is_not_asked),
		cmocka_unit_test(a_foreign_configurator_is_not_answered),
		cmocka_unit_test(a_neighbour_is_no_configurator),
		cmocka_unit_test(who_is_denied_is_told),
		cmocka_unit_test(no_altered_octet_passes),
		cmocka_unit_test(silence_ends_it),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
