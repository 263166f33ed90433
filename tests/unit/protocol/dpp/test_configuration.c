/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/configurator.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pki/keystore/keystore.h"
#include "protocol/dpp/enrollee.h"
#include "support/dpp_fixture.h"

static struct berth_pki *pki;
static const struct berth_mono start = {1000};

/* Both halves with the same ke, as an authentication leaves them. */
struct world {
	struct dpp_random random;
	struct berth_dpp_secrets secrets[2]; /* enrollee, configurator */
	struct berth_dpp_enrollee *enrollee;
	struct berth_dpp_configurator *configurator;
	struct berth_dpp_enrollee_conf enrollee_conf;
	struct berth_dpp_configurator_conf configurator_conf;
	struct berth_key *c_sign;
	struct berth_ec_point c_sign_point;
	struct berth_dpp_enrollee_event enrollee_event;
	struct berth_dpp_configurator_event configurator_event;
	bool has_enrollee_event, has_configurator_event;
	struct berth_why why;
	struct berth_mono now;
	struct berth_ec_point key_asked; /* netAccessKey as the configurator saw it */
};

static void
share(struct world *w, enum berth_ec_curve curve, uint8_t version)
{
	struct berth_random source;
	uint8_t octets[BERTH_EC_HASH_MAX];
	size_t n = berth_ec_facts(curve)->hash_bytes;

	w->random.seed = 99;
	source = dpp_random_source(&w->random);
	for (int side = 0; side < 2; side++) {
		struct berth_dpp_secrets *s = &w->secrets[side];
		*s = (struct berth_dpp_secrets){.curve = curve, .version = version};
		s->role = side == 0 ? BERTH_DPP_ENROLLEE : BERTH_DPP_CONFIGURATOR;
		assert_int_equal(
			berth_ec_generate(pki, curve, &source, &s->scalar, &s->own_key, NULL),
			BERTH_OK);
		memset(octets, 0x11, n);
		assert_int_equal(berth_secret_copy(&s->bk, berth_bytes_of(octets, n)), BERTH_OK);
		memset(octets, 0x22, n);
		assert_int_equal(berth_secret_copy(&s->ke, berth_bytes_of(octets, n)), BERTH_OK);
	}
	w->secrets[0].peer_key = w->secrets[1].own_key;
	w->secrets[1].peer_key = w->secrets[0].own_key;
}

static void
prepare_with(struct world *w, enum berth_ec_curve curve, uint8_t version)
{
	share(w, curve, version);
	w->now = start;
	w->enrollee_conf = (struct berth_dpp_enrollee_conf){
		.pki = pki,
		.random = dpp_random_source(&w->random),
		.request = {.name = BERTH_LIT("pump-7"), .net_role = BERTH_DPP_STA},
		.trusts_clock = true,
		.now = {1800000000},
		.dialog = 5,
	};
	w->configurator_conf = (struct berth_dpp_configurator_conf){
		.pki = pki, .random = dpp_random_source(&w->random)};
	assert_int_equal(berth_keystore_ephemeral(pki, "P-256", &w->c_sign, NULL), BERTH_OK);
	assert_int_equal(berth_ec_of_key(pki, w->c_sign, &w->c_sign_point, NULL), BERTH_OK);
}

static void
begin(struct world *w)
{
	assert_int_equal(berth_dpp_configurator_start(&w->configurator_conf, &w->secrets[1], w->now,
						      &w->configurator, &w->why),
			 BERTH_OK);
	assert_int_equal(berth_dpp_enrollee_start(&w->enrollee_conf, &w->secrets[0], w->now,
						  &w->enrollee, &w->why),
			 BERTH_OK);
}

static bool
move(struct world *w)
{
	struct berth_bytes body;
	struct berth_dpp_frame frame;
	struct berth_why why = {0};
	bool has_moved = false;

	while (berth_dpp_enrollee_event(w->enrollee, &w->enrollee_event))
		has_moved = w->has_enrollee_event = true;
	while (berth_dpp_configurator_event(w->configurator, &w->configurator_event)) {
		has_moved = w->has_configurator_event = true;
		if (w->configurator_event.kind == BERTH_DPP_CONFIGURE)
			w->key_asked = *w->configurator_event.net_access_key;
	}
	while (berth_dpp_enrollee_output(w->enrollee, &body)) {
		has_moved = true;
		assert_int_equal(berth_dpp_frame_parse(body, &frame, &w->why), BERTH_OK);
		if (berth_dpp_configurator_input(w->configurator, w->now, &frame, &why))
			w->why = why;
	}
	while (berth_dpp_configurator_output(w->configurator, &body)) {
		has_moved = true;
		assert_int_equal(berth_dpp_frame_parse(body, &frame, &w->why), BERTH_OK);
		if (berth_dpp_enrollee_input(w->enrollee, w->now, &frame, &why))
			w->why = why;
	}
	return has_moved;
}

static void
run(struct world *w)
{
	w->has_enrollee_event = w->has_configurator_event = false;
	while (move(w))
		;
}

static void
finish(struct world *w)
{
	berth_dpp_enrollee_end(w->enrollee);
	berth_dpp_configurator_end(w->configurator);
	berth_dpp_secrets_free(&w->secrets[0]);
	berth_dpp_secrets_free(&w->secrets[1]);
	berth_key_free(w->c_sign);
}

static void
sign(struct world *w, const struct berth_dpp_connector *connector, struct berth_buf *jws)
{
	BERTH_BUF payload = {0};

	assert_int_equal(berth_dpp_connector_write(connector, &payload, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_connector_sign(pki, w->c_sign, berth_buf_view(&payload), jws,
						  NULL, &w->why),
			 BERTH_OK);
}

static struct berth_dpp_connector
connector_for(const struct berth_ec_point *key)
{
	return (struct berth_dpp_connector){
		.groups = {{"lab", BERTH_DPP_STA}},
		.group_count = 1,
		.key = *key,
		.expiry = {1900000000},
		.version = 2,
	};
}

/* An object for dpp alone. */
static struct berth_dpp_object
object_with(struct world *w, struct berth_bytes jws)
{
	return (struct berth_dpp_object){
		.akm = BERTH_DPP_AKM_DPP,
		.ssid = BERTH_LIT("net-x"),
		.connector = jws,
		.has_c_sign = true,
		.c_sign = w->c_sign_point,
	};
}

static void
answer_with(struct world *w, const struct berth_dpp_object *objects, size_t n)
{
	struct berth_buf json[4] = {{0}};
	struct berth_bytes views[4];

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(berth_dpp_object_write(pki, &objects[i], &json[i], &w->why),
				 BERTH_OK);
		views[i] = berth_buf_view(&json[i]);
	}
	assert_int_equal(berth_dpp_configurator_answer(
				 w->configurator, w->now,
				 &(struct berth_dpp_configurator_answer){.status = BERTH_DPP_OK,
									 .objects = views,
									 .object_count = n},
				 &w->why),
			 BERTH_OK);
	for (size_t i = 0; i < 4; i++)
		berth_buf_free(&json[i]);
}

static void
answer_status(struct world *w, enum berth_dpp_status status)
{
	assert_int_equal(
		berth_dpp_configurator_answer(w->configurator, w->now,
					      &(struct berth_dpp_configurator_answer){
						      .status = status,
						      .csr_attributes = BERTH_LIT("\x30\x00"),
						      .new_key_curve = BERTH_EC_P384,
					      },
					      &w->why),
		BERTH_OK);
}

static void
offer_dpp(struct world *w)
{
	struct berth_dpp_connector connector = connector_for(&w->key_asked);
	BERTH_BUF jws = {0};

	sign(w, &connector, &jws);
	struct berth_dpp_object object = object_with(w, berth_buf_view(&jws));
	answer_with(w, &object, 1);
}

static void
decide(struct world *w, bool is_accepted)
{
	assert_int_equal(w->enrollee_event.kind, BERTH_DPP_OFFERED);
	assert_int_equal(berth_dpp_enrollee_decide(w->enrollee, w->now, is_accepted, &w->why),
			 BERTH_OK);
}

static void
assert_failed(struct world *w, const char *enrollee_rule)
{
	assert_int_equal(w->enrollee_event.kind, BERTH_DPP_ENROLMENT_FAILED);
	assert_string_equal(w->enrollee_event.why.rule, enrollee_rule);
}

static void
a_device_gets_its_connector(void **state)
{
	struct world w = {0};

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 2);
	begin(&w);
	run(&w);
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURE);
	assert_true(berth_bytes_equal_text(w.configurator_event.request->name, "pump-7"));
	assert_int_equal(w.configurator_event.request->net_role, BERTH_DPP_STA);
	offer_dpp(&w);
	run(&w);
	const struct berth_dpp_offer *offer = w.enrollee_event.offer;
	assert_int_equal(offer->count, 1);
	assert_true(berth_bytes_equal_text(offer->objects[0].ssid, "net-x"));
	assert_string_equal(offer->connectors[0].groups[0].id, "lab");
	assert_true(berth_ec_equal(&offer->connectors[0].key, &offer->net_access_key));
	decide(&w, true);
	run(&w);
	assert_int_equal(w.enrollee_event.kind, BERTH_DPP_ENROLLED);
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURED);
	assert_true(w.configurator_event.result_is_known);
	finish(&w);
}

static void
a_device_of_version_1_says_nothing_and_gets_one_object(void **state)
{
	struct world w = {0};
	BERTH_BUF jws = {0};

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 1);
	begin(&w);
	run(&w);
	struct berth_dpp_connector connector = connector_for(&w.key_asked);
	sign(&w, &connector, &jws);
	struct berth_dpp_object objects[2] = {object_with(&w, berth_buf_view(&jws)),
					      object_with(&w, berth_buf_view(&jws))};
	answer_with(&w, objects, 2);
	run(&w);
	assert_int_equal(w.enrollee_event.offer->count, 1);
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURED);
	assert_false(w.configurator_event.result_is_known);
	decide(&w, true);
	run(&w);
	assert_int_equal(w.enrollee_event.kind, BERTH_DPP_ENROLLED);
	finish(&w);
}

static void
several_objects_of_every_kind_arrive(void **state)
{
	struct world w = {0};
	BERTH_BUF jws = {0};

	(void)state;
	prepare_with(&w, BERTH_EC_P521, 3);
	w.enrollee_conf.extra_name = "org.example";
	begin(&w);
	run(&w);
	struct berth_dpp_connector connector = connector_for(&w.key_asked);
	sign(&w, &connector, &jws);
	const struct berth_dpp_object objects[] = {
		{.akm = BERTH_DPP_AKM_DPP | BERTH_DPP_AKM_SAE | BERTH_DPP_AKM_PSK,
		 .as_selectors = true,
		 .ssid = BERTH_LIT("\xff\xfe"),
		 .pass = BERTH_LIT("correct horse"),
		 .connector = berth_buf_view(&jws),
		 .has_c_sign = true,
		 .c_sign = w.c_sign_point,
		 .has_pp_key = true,
		 .pp_key = w.c_sign_point},
		{.akm = BERTH_DPP_AKM_PSK,
		 .ssid = BERTH_LIT("old"),
		 .psk = BERTH_LIT("0123456789abcdef0123456789abcdef")},
		{.akm = BERTH_DPP_AKM_SAE,
		 .ssid = BERTH_LIT("new"),
		 .pass = BERTH_LIT("p"),
		 .pass_id = BERTH_LIT("7")},
		{.akm = BERTH_DPP_AKM_DOT1X,
		 .ssid = BERTH_LIT("work"),
		 .connector = berth_buf_view(&jws),
		 .has_c_sign = true,
		 .c_sign = w.c_sign_point,
		 .cert_bag = BERTH_LIT("\x30\x03\x02\x01\x01"),
		 .ca_cert = BERTH_LIT("\x30\x00"),
		 .server_name = BERTH_LIT("radius.example"),
		 .extra_name = "org.example",
		 .extra = BERTH_LIT("{\"broker\":\"mqtt.example\"}")},
	};
	answer_with(&w, objects, 4);
	run(&w);
	const struct berth_dpp_offer *offer = w.enrollee_event.offer;
	assert_int_equal(w.enrollee_event.kind, BERTH_DPP_OFFERED);
	assert_int_equal(offer->count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(offer->objects[i].akm, objects[i].akm);
		assert_true(berth_bytes_equal(offer->objects[i].ssid, objects[i].ssid));
		assert_true(berth_bytes_equal(offer->objects[i].pass, objects[i].pass));
		assert_true(berth_bytes_equal(offer->objects[i].psk, objects[i].psk));
		assert_true(berth_bytes_equal(offer->objects[i].pass_id, objects[i].pass_id));
		assert_true(berth_bytes_equal(offer->objects[i].cert_bag, objects[i].cert_bag));
		assert_true(berth_bytes_equal(offer->objects[i].ca_cert, objects[i].ca_cert));
		assert_true(
			berth_bytes_equal(offer->objects[i].server_name, objects[i].server_name));
		assert_true(berth_bytes_equal(offer->objects[i].extra, objects[i].extra));
	}
	assert_true(offer->objects[0].has_pp_key);
	finish(&w);
}

static void
a_certification_request_is_asked_for_and_carried(void **state)
{
	struct world w = {0};
	char password[BERTH_DPP_CSR_PASSWORD_CHARS + 1];

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 2);
	begin(&w);
	run(&w);
	answer_status(&w, BERTH_DPP_CSR_NEEDED);
	run(&w);
	assert_int_equal(w.enrollee_event.kind, BERTH_DPP_CSR_WANTED);
	assert_int_equal(w.enrollee_event.csr_attributes.n, 2);
	assert_int_equal(berth_dpp_csr_password(pki, berth_dpp_configurator_secrets(w.configurator),
						password),
			 BERTH_OK);
	assert_string_equal(w.enrollee_event.password, password);
	assert_int_equal(
		berth_dpp_enrollee_csr(w.enrollee, w.now, BERTH_LIT("\x30\x01\x05"), &w.why),
		BERTH_OK);
	run(&w);
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURE);
	assert_int_equal(w.configurator_event.request->csr.n, 3);
	offer_dpp(&w);
	run(&w);
	decide(&w, true);
	run(&w);
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURED);
	finish(&w);
}

static void
a_key_on_another_curve_is_made_and_proven(void **state)
{
	struct world w = {0};

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 3);
	begin(&w);
	run(&w);
	answer_status(&w, BERTH_DPP_NEW_KEY_NEEDED);
	run(&w);
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURE);
	assert_int_equal(w.key_asked.curve, BERTH_EC_P384);
	offer_dpp(&w);
	run(&w);
	const struct berth_dpp_offer *offer = w.enrollee_event.offer;
	struct berth_ec_point public;
	BERTH_SECRET scalar = {0};
	assert_int_equal(berth_secret_copy(&scalar, offer->net_access_scalar), BERTH_OK);
	assert_int_equal(berth_ec_public(pki, BERTH_EC_P384, &scalar, &public, NULL), BERTH_OK);
	assert_true(berth_ec_equal(&public, &offer->net_access_key));
	finish(&w);
}

static void
a_new_key_is_no_wish_of_version_2(void **state)
{
	struct world w = {0};

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 2);
	begin(&w);
	run(&w);
	answer_status(&w, BERTH_DPP_NEW_KEY_NEEDED);
	run(&w);
	assert_false(w.has_enrollee_event);
	assert_string_equal(w.why.rule, "dpp-new-key");
	finish(&w);
}

static void
a_refusal_is_told_with_its_status(void **state)
{
	struct world w = {0};

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 2);
	begin(&w);
	run(&w);
	answer_status(&w, BERTH_DPP_CONFIGURE_FAILURE);
	run(&w);
	assert_failed(&w, "dpp-configuration-status");
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURATION_FAILED);
	finish(&w);
}

/* What one change of the Connector does to an offer. */
static void
offer_altered(const char *rule, void (*alter)(struct world *, struct berth_dpp_connector *))
{
	struct world w = {0};
	BERTH_BUF jws = {0};

	prepare_with(&w, BERTH_EC_P256, 2);
	begin(&w);
	run(&w);
	struct berth_dpp_connector connector = connector_for(&w.key_asked);
	alter(&w, &connector);
	sign(&w, &connector, &jws);
	struct berth_dpp_object object = object_with(&w, berth_buf_view(&jws));
	answer_with(&w, &object, 1);
	run(&w);
	if (rule == NULL) {
		assert_int_equal(w.enrollee_event.kind, BERTH_DPP_OFFERED);
	} else {
		assert_failed(&w, rule);
		assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURED);
	}
	finish(&w);
}

static void
alter_nothing(struct world *w, struct berth_dpp_connector *connector)
{
	(void)w;
	(void)connector;
}

static void
alter_key(struct world *w, struct berth_dpp_connector *connector)
{
	connector->key = w->c_sign_point;
}

static void
alter_expiry(struct world *w, struct berth_dpp_connector *connector)
{
	connector->expiry = w->enrollee_conf.now;
}

static void
alter_signer(struct world *w, struct berth_dpp_connector *connector)
{
	(void)connector;
	berth_key_free(w->c_sign);
	w->c_sign = NULL;
	assert_int_equal(berth_keystore_ephemeral(pki, "P-256", &w->c_sign, NULL), BERTH_OK);
}

static void
a_connector_for_another_key_or_time_or_of_another_signer_is_rejected(void **state)
{
	(void)state;
	offer_altered(NULL, alter_nothing);
	offer_altered("dpp-net-access-key", alter_key);
	offer_altered("dpp-connector-expired", alter_expiry);
	offer_altered("dpp-kid", alter_signer);
}

static void
a_connector_with_a_broken_signature_is_rejected(void **state)
{
	struct world w = {0};
	BERTH_BUF jws = {0};

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 2);
	begin(&w);
	run(&w);
	struct berth_dpp_connector connector = connector_for(&w.key_asked);
	sign(&w, &connector, &jws);
	jws.p[jws.n - 10] = jws.p[jws.n - 10] == 'A' ? 'B' : 'A';
	struct berth_dpp_object object = object_with(&w, berth_buf_view(&jws));
	answer_with(&w, &object, 1);
	run(&w);
	assert_failed(&w, "ec-signature");
	finish(&w);
}

static void
a_foreign_configurator_is_rejected_when_one_is_known(void **state)
{
	struct world w = {0};
	BERTH_KEY *known = NULL;
	struct berth_ec_point point;

	(void)state;
	assert_int_equal(berth_keystore_ephemeral(pki, "P-256", &known, NULL), BERTH_OK);
	assert_int_equal(berth_ec_of_key(pki, known, &point, NULL), BERTH_OK);
	prepare_with(&w, BERTH_EC_P256, 2);
	w.enrollee_conf.c_sign = &point;
	begin(&w);
	run(&w);
	offer_dpp(&w);
	run(&w);
	assert_failed(&w, "dpp-foreign-c-sign");
	finish(&w);

	struct world own = {0};
	prepare_with(&own, BERTH_EC_P256, 2);
	own.enrollee_conf.c_sign = &own.c_sign_point;
	begin(&own);
	run(&own);
	offer_dpp(&own);
	run(&own);
	assert_int_equal(own.enrollee_event.kind, BERTH_DPP_OFFERED);
	finish(&own);
}

static void
a_device_that_cannot_keep_it_says_so(void **state)
{
	struct world w = {0};

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 2);
	begin(&w);
	run(&w);
	offer_dpp(&w);
	run(&w);
	decide(&w, false);
	w.has_configurator_event = false;
	run(&w);
	assert_failed(&w, "dpp-config-rejected");
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURED);
	finish(&w);
}

static void
tell_how_joining_went(enum berth_dpp_status result)
{
	struct world w = {0};

	prepare_with(&w, BERTH_EC_P256, 2);
	w.configurator_conf.wants_connection_status = true;
	begin(&w);
	run(&w);
	offer_dpp(&w);
	run(&w);
	assert_true(w.enrollee_event.offer->wants_connection_status);
	decide(&w, true);
	run(&w);
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_RESULT);
	assert_int_equal(
		berth_dpp_enrollee_connected(w.enrollee, result, BERTH_LIT("net-x"), &w.why),
		BERTH_OK);
	struct berth_bytes body;
	struct berth_dpp_frame frame;
	struct berth_dpp_configurator_event event;
	assert_true(berth_dpp_enrollee_output(w.enrollee, &body));
	assert_int_equal(berth_dpp_frame_parse(body, &frame, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_configurator_input(w.configurator, w.now, &frame, &w.why),
			 BERTH_OK);
	assert_true(berth_dpp_configurator_event(w.configurator, &event));
	assert_int_equal(event.kind, BERTH_DPP_CONNECTION);
	assert_int_equal(event.status, result);
	assert_true(berth_dpp_configurator_event(w.configurator, &event));
	assert_int_equal(event.kind, BERTH_DPP_CONFIGURED);
	finish(&w);
}

/* joined; a wrong password; a Connector that the access point would not have; no access point */
static void
who_wants_to_know_is_told_how_joining_went(void **state)
{
	(void)state;
	tell_how_joining_went(BERTH_DPP_OK);
	tell_how_joining_went(BERTH_DPP_AUTH_FAILURE);
	tell_how_joining_went(BERTH_DPP_INVALID_CONNECTOR);
	tell_how_joining_went(BERTH_DPP_NO_MATCH);
	tell_how_joining_went(BERTH_DPP_NO_AP);
}

static void
an_answer_that_is_late_is_fetched_later(void **state)
{
	struct world w = {0};

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 2);
	w.configurator_conf.comeback_ms = 1000;
	begin(&w);
	run(&w);
	w.now.ms += 1000;
	berth_dpp_configurator_tick(w.configurator, w.now);
	run(&w);
	/* told to come back; comes back; is told again; then gets it */
	int64_t wait_ms = berth_dpp_enrollee_deadline(w.enrollee).ms - w.now.ms;
	assert_in_range(wait_ms, 512, 514);
	w.now = berth_dpp_enrollee_deadline(w.enrollee);
	berth_dpp_enrollee_tick(w.enrollee, w.now);
	run(&w);
	assert_false(w.has_enrollee_event);
	offer_dpp(&w);
	run(&w);
	assert_false(w.has_enrollee_event);
	w.now = berth_dpp_enrollee_deadline(w.enrollee);
	berth_dpp_enrollee_tick(w.enrollee, w.now);
	run(&w);
	decide(&w, true);
	run(&w);
	assert_int_equal(w.configurator_event.kind, BERTH_DPP_CONFIGURED);
	finish(&w);
}

static void
a_request_that_comes_again_gets_the_same_answer(void **state)
{
	struct world w = {0};
	struct berth_bytes body;
	struct berth_dpp_frame frame;
	BERTH_BUF request = {0};
	BERTH_BUF first = {0};
	struct berth_dpp_configurator_event event;

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 2);
	begin(&w);
	assert_true(berth_dpp_enrollee_output(w.enrollee, &body));
	assert_int_equal(berth_buf_append_bytes(&request, body), BERTH_OK);
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&request), &frame, NULL), BERTH_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			berth_dpp_configurator_input(w.configurator, w.now, &frame, &w.why),
			BERTH_OK);
	assert_true(berth_dpp_configurator_event(w.configurator, &event));
	assert_false(berth_dpp_configurator_event(w.configurator, &event));
	w.key_asked = berth_dpp_configurator_secrets(w.configurator)->peer_key;
	offer_dpp(&w);
	assert_true(berth_dpp_configurator_output(w.configurator, &body));
	assert_int_equal(berth_buf_append_bytes(&first, body), BERTH_OK);
	assert_int_equal(berth_dpp_configurator_input(w.configurator, w.now, &frame, &w.why),
			 BERTH_OK);
	assert_true(berth_dpp_configurator_output(w.configurator, &body));
	assert_true(berth_bytes_equal(body, berth_buf_view(&first)));
	finish(&w);
}

static void
silence_ends_both(void **state)
{
	struct world w = {0};
	struct berth_dpp_configurator_event event;
	struct berth_dpp_enrollee_event enrollee_event;

	(void)state;
	prepare_with(&w, BERTH_EC_P256, 2);
	begin(&w);
	w.now.ms += BERTH_DPP_RESPONSE_TIMEOUT_MS;
	berth_dpp_enrollee_tick(w.enrollee, w.now);
	berth_dpp_configurator_tick(w.configurator, w.now);
	assert_true(berth_dpp_enrollee_event(w.enrollee, &enrollee_event));
	assert_string_equal(enrollee_event.why.rule, "dpp-timeout");
	assert_true(berth_dpp_configurator_event(w.configurator, &event));
	assert_int_equal(event.kind, BERTH_DPP_CONFIGURATION_FAILED);
	finish(&w);
}

/* Everything that the enrollee sends, with each octet altered: nothing of it is taken. */
static void
no_altered_octet_of_a_request_or_result_passes(void **state)
{
	(void)state;
	for (int which = 0; which < 2; which++) {
		struct world w = {0};
		struct berth_bytes body;
		struct berth_dpp_frame frame;
		struct berth_dpp_configurator_event event;
		BERTH_BUF kept = {0};
		prepare_with(&w, BERTH_EC_P256, 2);
		begin(&w);
		if (which == 1) {
			run(&w);
			offer_dpp(&w);
			run(&w);
			decide(&w, true);
		}
		assert_true(berth_dpp_enrollee_output(w.enrollee, &body));
		assert_int_equal(berth_buf_append_bytes(&kept, body), BERTH_OK);
		for (size_t i = which == 0 ? 16 : 7; i < kept.n; i++) {
			struct berth_why why = {0};
			kept.p[i] ^= 0x10;
			enum berth_err err =
				berth_dpp_frame_parse(berth_buf_view(&kept), &frame, &why);
			err = err ? err
				  : berth_dpp_configurator_input(w.configurator, w.now, &frame,
								 &why);
			assert_int_not_equal(err, BERTH_OK);
			assert_non_null(why.rule);
			assert_false(berth_dpp_configurator_event(w.configurator, &event));
			kept.p[i] ^= 0x10;
		}
		assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&kept), &frame, NULL),
				 BERTH_OK);
		assert_int_equal(
			berth_dpp_configurator_input(w.configurator, w.now, &frame, &w.why),
			BERTH_OK);
		assert_true(berth_dpp_configurator_event(w.configurator, &event));
		finish(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_gets_its_connector),
		cmocka_unit_test(a_device_of_version_1_says_nothing_and_gets_one_object),
		cmocka_unit_test(several_objects_of_every_kind_arrive),
		cmocka_unit_test(a_certification_request_is_asked_for_and_carried),
		cmocka_unit_test(a_key_on_another_curve_is_made_and_proven),
		cmocka_unit_test(a_new_key_is_no_wish_of_version_2),
		cmocka_unit_test(a_refusal_is_told_with_its_status),
		cmocka_unit_test(
			a_connector_for_another_key_or_time_or_of_another_signer_is_rejected),
		cmocka_unit_test(a_connector_with_a_broken_signature_is_rejected),
		cmocka_unit_test(a_foreign_configurator_is_rejected_when_one_is_known),
		cmocka_unit_test(a_device_that_cannot_keep_it_says_so),
		cmocka_unit_test(who_wants_to_know_is_told_how_joining_went),
		cmocka_unit_test(an_answer_that_is_late_is_fetched_later),
		cmocka_unit_test(a_request_that_comes_again_gets_the_same_answer),
		cmocka_unit_test(silence_ends_both),
		cmocka_unit_test(no_altered_octet_of_a_request_or_result_passes),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
