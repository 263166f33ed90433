/* SPDX-License-Identifier: BSD-2-Clause */
/* A device's side of DPP against our own Configurator's machines, without anything between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/keystore/keystore.h"
#include "protocol/dpp/configurator.h"
#include "role/device/dpp_attempt.h"
#include "role/device/dpp_certificate.h"
#include "support/dpp_fixture.h"

static struct berth_pki *pki;
static struct berth_key *device_key;
static struct dpp_random entropy = {.seed = 7};

static int
open_pki(void **state)
{
	(void)state;
	return berth_pki_open(&pki, NULL) ||
	       berth_keystore_ephemeral(pki, "P-256", &device_key, NULL);
}

static int
close_pki(void **state)
{
	(void)state;
	berth_key_free(device_key);
	berth_pki_close(pki);
	return 0;
}

static struct berth_dpp_attempt_conf
device(void)
{
	struct berth_dpp_attempt_conf conf = {
		.pki = pki,
		.random = dpp_random_source(&entropy),
		.key = device_key,
		.request = {.name = BERTH_LIT_INIT("pump-7"), .net_role = BERTH_DPP_STA},
	};
	struct berth_ec_point point;

	assert_int_equal(berth_ec_of_key(pki, device_key, &point, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_bootstrapping_of(pki, &point, &conf.own, NULL), BERTH_OK);
	return conf;
}

struct other {
	struct dpp_key key;
	struct berth_dpp_auth *auth;
	struct berth_dpp_configurator *configurator;
	struct berth_buf request; /* its Authentication Request */
};

static struct berth_now
at(int64_t ms)
{
	return (struct berth_now){.mono = {ms}};
}

static void
ask(struct other *other, const struct berth_dpp_attempt_conf *conf)
{
	const struct berth_dpp_auth_conf auth = {
		.pki = pki,
		.random = dpp_random_source(&entropy),
		.version = BERTH_DPP_VERSION_MAX,
		.roles = BERTH_DPP_CONFIGURATOR,
		.own = other->key.bootstrapping,
		.has_peer = true,
		.peer = conf->own,
	};
	struct berth_bytes body = BERTH_BYTES_NONE;

	assert_int_equal(berth_dpp_auth_initiate(&auth, at(0).mono, &other->auth, NULL), BERTH_OK);
	assert_true(berth_dpp_auth_output(other->auth, &body));
	berth_buf_clear(&other->request);
	assert_int_equal(berth_buf_append_bytes(&other->request, body), BERTH_OK);
}

static void
forget(struct other *other)
{
	berth_dpp_auth_end(other->auth);
	berth_dpp_configurator_end(other->configurator);
	berth_buf_free(&other->request);
	other->auth = NULL;
	other->configurator = NULL;
}

static void
give(struct other *other)
{
	static const struct berth_bytes object =
		BERTH_LIT_INIT("{\"wi-fi_tech\":\"infra\",\"discovery\":{\"ssid\":\"net-x\"},"
			       "\"cred\":{\"akm\":\"sae\",\"pass\":\"correct horse\"}}");
	struct berth_dpp_configurator_event event;

	while (other->configurator != NULL &&
	       berth_dpp_configurator_event(other->configurator, &event)) {
		if (event.kind != BERTH_DPP_CONFIGURE)
			continue;
		assert_int_equal(berth_dpp_configurator_answer(
					 other->configurator, at(0).mono,
					 &(struct berth_dpp_configurator_answer){.objects = &object,
										 .object_count = 1},
					 NULL),
				 BERTH_OK);
	}
}

static void
move_other(struct other *other)
{
	struct berth_dpp_auth_event event;
	struct berth_ec_point product;

	while (other->configurator == NULL && berth_dpp_auth_event(other->auth, &event)) {
		if (event.kind != BERTH_DPP_AUTH_MULTIPLY)
			continue;
		assert_int_equal(
			berth_ec_multiply(pki, &other->key.scalar, &event.point, &product, NULL),
			BERTH_OK);
		assert_int_equal(
			berth_dpp_auth_answer(other->auth, at(0).mono, BERTH_OK, &product, NULL),
			BERTH_OK);
	}
	give(other);
}

/* What the device sends, to the other; the Configurator begins with the first GAS request. */
static void
take_from_device(struct other *other, struct berth_bytes body)
{
	const struct berth_dpp_configurator_conf conf = {.pki = pki,
							 .random = dpp_random_source(&entropy)};
	struct berth_dpp_secrets secrets = {0};
	struct berth_dpp_frame frame;
	struct berth_why why = {0};

	assert_int_equal(berth_dpp_frame_parse(body, &frame, &why), BERTH_OK);
	if (frame.kind == BERTH_DPP_FRAME_GAS_REQUEST && other->configurator == NULL) {
		berth_dpp_auth_take(other->auth, &secrets);
		assert_int_equal(berth_dpp_configurator_start(&conf, &secrets, at(0).mono,
							      &other->configurator, &why),
				 BERTH_OK);
	}
	enum berth_err err = other->configurator != NULL
				     ? berth_dpp_configurator_input(other->configurator, at(0).mono,
								    &frame, &why)
				     : berth_dpp_auth_input(other->auth, at(0).mono, &frame, &why);
	assert_int_equal(err, BERTH_OK);
	move_other(other);
}

static bool
next_of_other(struct other *other, struct berth_bytes *body)
{
	return other->configurator != NULL
		       ? berth_dpp_configurator_output(other->configurator, body)
		       : berth_dpp_auth_output(other->auth, body);
}

/* True: the attempt came to its end, and well. */
static bool
run(struct berth_dpp_attempt *attempt, struct other *other)
{
	struct berth_dpp_attempt_event event;
	struct berth_bytes body = BERTH_BYTES_NONE;
	struct berth_dpp_frame frame;
	bool is_enrolled = false;

	for (int i = 0; i < 20; i++) {
		while (berth_dpp_attempt_event(attempt, at(0), &event)) {
			assert_int_not_equal(event.kind, BERTH_DPP_ATTEMPT_FAILED);
			if (event.kind == BERTH_DPP_ATTEMPT_OFFERED) {
				assert_int_equal(event.offer->count, 1);
				assert_int_equal(
					berth_dpp_attempt_decide(attempt, at(0), true, NULL),
					BERTH_OK);
			}
			is_enrolled = is_enrolled || event.kind == BERTH_DPP_ATTEMPT_ENROLLED;
		}
		while (berth_dpp_attempt_output(attempt, &body))
			take_from_device(other, body);
		while (next_of_other(other, &body)) {
			assert_int_equal(berth_dpp_frame_parse(body, &frame, NULL), BERTH_OK);
			assert_int_equal(berth_dpp_attempt_input(attempt, at(0), &frame, NULL),
					 BERTH_OK);
		}
	}
	return is_enrolled;
}

static void
is_configured_by_who_knows_its_code(void **state)
{
	struct berth_dpp_attempt_conf conf = device();
	struct berth_dpp_attempt *attempt = NULL;
	struct berth_dpp_frame frame;
	struct other other = {0};

	(void)state;
	dpp_key_make(pki, BERTH_EC_P256, &entropy, &other.key);
	/* the second time it is mutual, with one that the device knows */
	for (int i = 0; i < 2; i++) {
		conf.has_configurator = i == 1;
		conf.configurator = other.key.bootstrapping;
		ask(&other, &conf);
		assert_int_equal(
			berth_dpp_frame_parse(berth_buf_view(&other.request), &frame, NULL),
			BERTH_OK);
		assert_true(berth_dpp_attempt_is_asked(&conf, &frame));
		assert_int_equal(berth_dpp_attempt_start(&conf, at(0), &frame, &attempt, NULL),
				 BERTH_OK);
		assert_true(run(attempt, &other));
		berth_dpp_attempt_end(attempt);
		forget(&other);
	}
	dpp_key_free(&other.key);
}

static void
refuses_another_configurator_than_the_one_it_knows(void **state)
{
	struct berth_dpp_attempt_conf conf = device();
	struct berth_dpp_attempt *attempt = NULL;
	struct berth_dpp_frame frame;
	struct berth_why why = {0};
	struct dpp_key known = {0};
	struct other other = {0};

	(void)state;
	dpp_key_make(pki, BERTH_EC_P256, &entropy, &other.key);
	dpp_key_make(pki, BERTH_EC_P256, &entropy, &known);
	conf.has_configurator = true;
	conf.configurator = known.bootstrapping;
	ask(&other, &conf);
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&other.request), &frame, NULL),
			 BERTH_OK);
	assert_int_equal(berth_dpp_attempt_start(&conf, at(0), &frame, &attempt, &why),
			 BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "dpp-configurator");
	assert_null(attempt);
	forget(&other);
	dpp_key_free(&other.key);
	dpp_key_free(&known);
}

static void
a_configured_device_is_not_taken_over(void **state)
{
	struct berth_dpp_attempt_conf conf = device();
	static const struct berth_dpp_kept kept;
	struct berth_dpp_frame frame;
	struct other other = {0};

	(void)state;
	dpp_key_make(pki, BERTH_EC_P256, &entropy, &other.key);
	ask(&other, &conf);
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&other.request), &frame, NULL),
			 BERTH_OK);
	assert_true(berth_dpp_attempt_is_asked(&conf, &frame));
	conf.kept = &kept;
	assert_false(berth_dpp_attempt_is_asked(&conf, &frame));
	forget(&other);
	dpp_key_free(&other.key);
}

static void
a_failed_attempt_leaves_nothing(void **state)
{
	struct berth_dpp_attempt_conf conf = device();
	struct berth_dpp_attempt *attempt = NULL;
	struct berth_dpp_attempt_event event;
	struct berth_dpp_frame frame;
	struct other other = {0};

	(void)state;
	dpp_key_make(pki, BERTH_EC_P256, &entropy, &other.key);
	ask(&other, &conf);
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&other.request), &frame, NULL),
			 BERTH_OK);
	assert_int_equal(berth_dpp_attempt_start(&conf, at(0), &frame, &attempt, NULL), BERTH_OK);
	assert_false(berth_dpp_attempt_event(attempt, at(0), &event)); /* multiplied within */
	berth_dpp_attempt_tick(
		attempt, at(berth_dpp_attempt_deadline(attempt).ms + BERTH_DPP_AUTH_TIMEOUT_MS));
	assert_true(berth_dpp_attempt_event(attempt, at(0), &event));
	assert_int_equal(event.kind, BERTH_DPP_ATTEMPT_FAILED);
	assert_false(berth_dpp_attempt_event(attempt, at(0), &event));
	berth_dpp_attempt_end(attempt);
	forget(&other);
	ask(&other, &conf);
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&other.request), &frame, NULL),
			 BERTH_OK);
	assert_int_equal(berth_dpp_attempt_start(&conf, at(0), &frame, &attempt, NULL), BERTH_OK);
	assert_true(run(attempt, &other));
	berth_dpp_attempt_end(attempt);
	forget(&other);
	dpp_key_free(&other.key);
}

/* ---- with a code that both know ---- */

static const uint8_t radios[2][BERTH_DPP_ADDRESS_BYTES] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};

static struct berth_dpp_pkex_code
code_of(const char *text)
{
	struct berth_dpp_pkex_code code = {0};

	assert_int_equal(berth_dpp_pkex_code_set(&code, berth_text(text), BERTH_LIT("label"), NULL),
			 BERTH_OK);
	return code;
}

static struct berth_dpp_frame
frame_of(struct berth_bytes body)
{
	struct berth_dpp_frame frame;

	assert_int_equal(berth_dpp_frame_parse(body, &frame, NULL), BERTH_OK);
	frame.from = radios[1];
	return frame;
}

/* PKEX, which the other asks for, with that code and version; the other's frames are kept in other->request. */
static struct berth_dpp_attempt *
exchange(const struct berth_dpp_attempt_conf *conf, struct other *other,
	 struct berth_dpp_pkex_code *code, uint8_t version)
{
	struct berth_dpp_pkex_conf pkex_conf = {
		.pki = pki,
		.random = dpp_random_source(&entropy),
		.own = other->key.bootstrapping,
		.code = code,
		.version = version,
		.has_address = true,
	};
	struct berth_dpp_pkex *pkex = NULL;
	struct berth_dpp_pkex_event event;
	struct berth_dpp_attempt *attempt = NULL;
	struct berth_dpp_attempt_event told;
	struct berth_bytes body = BERTH_BYTES_NONE;
	struct berth_ec_point product;

	memcpy(pkex_conf.address, radios[1], BERTH_DPP_ADDRESS_BYTES);
	assert_int_equal(berth_dpp_pkex_initiate(&pkex_conf, at(0).mono, &pkex, NULL), BERTH_OK);
	assert_true(berth_dpp_pkex_output(pkex, &body));
	struct berth_dpp_frame frame = frame_of(body);
	assert_true(berth_dpp_attempt_is_asked(conf, &frame));
	assert_int_equal(berth_dpp_attempt_start(conf, at(0), &frame, &attempt, NULL), BERTH_OK);
	while (berth_dpp_attempt_output(attempt, &body)) {
		frame = frame_of(body);
		assert_int_equal(berth_dpp_pkex_input(pkex, at(0).mono, radios[0], &frame, NULL),
				 BERTH_OK);
		while (berth_dpp_pkex_event(pkex, &event)) {
			if (event.kind != BERTH_DPP_PKEX_MULTIPLY)
				continue;
			assert_int_equal(berth_ec_multiply(pki, &other->key.scalar, &event.point,
							   &product, NULL),
					 BERTH_OK);
			assert_int_equal(berth_dpp_pkex_answer(pkex, BERTH_OK, &product, NULL),
					 BERTH_OK);
		}
		if (!berth_dpp_pkex_output(pkex, &body))
			break;
		frame = frame_of(body);
		assert_int_equal(berth_dpp_attempt_input(attempt, at(0), &frame, NULL), BERTH_OK);
		if (berth_dpp_attempt_event(attempt, at(0), &told))
			assert_int_equal(told.kind, BERTH_DPP_ATTEMPT_FAILED);
	}
	berth_dpp_pkex_end(pkex);
	return attempt;
}

static struct berth_dpp_attempt_conf
device_with(struct berth_dpp_pkex_code *code)
{
	struct berth_dpp_attempt_conf conf = device();

	conf.pkex_code = code;
	conf.has_address = true;
	memcpy(conf.address, radios[0], BERTH_DPP_ADDRESS_BYTES);
	return conf;
}

static void
who_knows_the_code_configures_it_and_nobody_else(void **state)
{
	(void)state;
	for (uint8_t version = 1; version <= 3; version++) {
		struct berth_dpp_pkex_code codes[2] = {code_of("48213907"), code_of("48213907")};
		struct berth_dpp_attempt_conf conf = device_with(&codes[0]);
		struct other other = {0};
		struct other stranger = {0};
		struct berth_why why = {0};

		dpp_key_make(pki, BERTH_EC_P256, &entropy, &other.key);
		dpp_key_make(pki, BERTH_EC_P256, &entropy, &stranger.key);
		struct berth_dpp_attempt *attempt = exchange(&conf, &other, &codes[1], version);
		/* the device's key is no secret any more; that is not enough */
		ask(&stranger, &conf);
		struct berth_dpp_frame frame = frame_of(berth_buf_view(&stranger.request));
		assert_int_equal(berth_dpp_attempt_input(attempt, at(0), &frame, &why),
				 BERTH_E_UNTRUSTED);
		assert_string_equal(why.rule, "dpp-configurator");
		ask(&other, &conf);
		frame = frame_of(berth_buf_view(&other.request));
		assert_int_equal(berth_dpp_attempt_input(attempt, at(0), &frame, &why), BERTH_OK);
		assert_true(run(attempt, &other));
		berth_dpp_attempt_end(attempt);
		forget(&other);
		forget(&stranger);
		dpp_key_free(&other.key);
		dpp_key_free(&stranger.key);
		for (int i = 0; i < 2; i++)
			berth_dpp_pkex_code_free(&codes[i]);
	}
}

static void
another_code_configures_nothing(void **state)
{
	struct berth_dpp_pkex_code codes[2] = {code_of("48213907"), code_of("48213906")};
	struct berth_dpp_attempt_conf conf = device_with(&codes[0]);
	struct other other = {0};
	struct berth_why why = {0};

	(void)state;
	dpp_key_make(pki, BERTH_EC_P256, &entropy, &other.key);
	struct berth_dpp_attempt *attempt = exchange(&conf, &other, &codes[1], 3);
	assert_int_equal(codes[0].guesses, 1);
	ask(&other, &conf);
	struct berth_dpp_frame frame = frame_of(berth_buf_view(&other.request));
	assert_int_equal(berth_dpp_attempt_input(attempt, at(0), &frame, &why), BERTH_OK);
	struct berth_bytes body;
	assert_false(berth_dpp_attempt_output(attempt, &body));
	berth_dpp_attempt_end(attempt);
	forget(&other);
	dpp_key_free(&other.key);
	for (int i = 0; i < 2; i++)
		berth_dpp_pkex_code_free(&codes[i]);
}

/* Neither a spent code nor one of a device that has a configuration is asked for. */
static void
a_code_that_is_spent_is_not_heard_of_any_more(void **state)
{
	struct berth_dpp_pkex_code codes[2] = {code_of("48213907"), code_of("48213907")};
	struct berth_dpp_attempt_conf conf = device_with(&codes[0]);
	static const struct berth_dpp_kept kept;
	struct berth_dpp_attempt *offer = NULL;
	struct berth_bytes body = BERTH_BYTES_NONE;
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_dpp_attempt_offer(&conf, at(0), true, &offer, NULL), BERTH_OK);
	assert_true(berth_dpp_attempt_output(offer, &body));
	struct berth_dpp_frame frame = frame_of(body);
	assert_true(berth_dpp_attempt_is_asked(&conf, &frame));
	frame.from = NULL; /* version 1 needs an address */
	assert_false(berth_dpp_attempt_is_asked(&conf, &frame));
	frame.from = radios[1];
	codes[0].guesses = BERTH_DPP_PKEX_GUESSES_MAX;
	assert_false(berth_dpp_attempt_is_asked(&conf, &frame));
	struct berth_dpp_attempt *second = NULL;
	assert_int_equal(berth_dpp_attempt_offer(&conf, at(0), false, &second, &why),
			 BERTH_E_LIMIT);
	assert_string_equal(why.rule, "dpp-pkex-spent");
	codes[0].guesses = 0;
	conf.kept = &kept;
	assert_false(berth_dpp_attempt_is_asked(&conf, &frame));
	berth_dpp_attempt_end(offer);
	for (int i = 0; i < 2; i++)
		berth_dpp_pkex_code_free(&codes[i]);
}

static void
an_enterprise_network_names_its_server(void **state)
{
	struct berth_wifi_certificate certificate = {0};
	const struct berth_dpp_wifi_key key = {0};
	static struct berth_dpp_offer offer;
	struct berth_why why = {0};

	(void)state;
	offer.count = 1;
	offer.objects[0] = (struct berth_dpp_object){.akm = BERTH_DPP_AKM_DOT1X,
						     .ssid = BERTH_LIT_INIT("net-x"),
						     .cert_bag = BERTH_LIT_INIT("0")};
	assert_int_equal(berth_dpp_certificate_take(pki, &offer, &key, NULL, &certificate, &why),
			 BERTH_E_UNTRUSTED);
	assert_string_equal(why.rule, "wifi-eap-server");
	/* with a name it is the bag that is no good */
	offer.objects[0].server_name = BERTH_LIT("radius.example");
	assert_int_not_equal(
		berth_dpp_certificate_take(pki, &offer, &key, NULL, &certificate, &why), BERTH_OK);
	assert_string_not_equal(why.rule, "wifi-eap-server");
	assert_null(certificate.key_path);
}

static void
what_is_kept_opens_with_its_own_key_alone(void **state)
{
	struct berth_dpp_attempt_conf conf = device();
	struct berth_key *other = NULL;
	BERTH_DPP_KEPT kept = {.expiry = BERTH_WALL_NO_EXPIRY};
	BERTH_DPP_KEPT again = {0};
	BERTH_BUF sealed = {0};
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_buf_append_text(&kept.profile, "network={\n}\n"), BERTH_OK);
	assert_int_equal(
		berth_dpp_kept_seal(pki, &conf.random, &conf.own.point, &kept, &sealed, &why),
		BERTH_OK);
	assert_int_equal(
		berth_dpp_kept_open(pki, device_key, berth_buf_view(&sealed), &again, &why),
		BERTH_OK);
	assert_true(
		berth_bytes_equal(berth_buf_view(&again.profile), berth_buf_view(&kept.profile)));
	berth_dpp_kept_free(&again);
	assert_int_equal(berth_keystore_ephemeral(pki, "P-256", &other, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_kept_open(pki, other, berth_buf_view(&sealed), &again, &why),
			 BERTH_E_SIGNATURE);
	berth_key_free(other);
	for (size_t n = 0; n < sealed.n; n++) {
		sealed.p[n] ^= 1;
		assert_int_not_equal(
			berth_dpp_kept_open(pki, device_key, berth_buf_view(&sealed), &again, &why),
			BERTH_OK);
		sealed.p[n] ^= 1;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_configured_by_who_knows_its_code),
		cmocka_unit_test(refuses_another_configurator_than_the_one_it_knows),
		cmocka_unit_test(a_configured_device_is_not_taken_over),
		cmocka_unit_test(a_failed_attempt_leaves_nothing),
		cmocka_unit_test(who_knows_the_code_configures_it_and_nobody_else),
		cmocka_unit_test(another_code_configures_nothing),
		cmocka_unit_test(a_code_that_is_spent_is_not_heard_of_any_more),
		cmocka_unit_test(an_enterprise_network_names_its_server),
		cmocka_unit_test(what_is_kept_opens_with_its_own_key_alone),
	};
	return cmocka_run_group_tests(tests, open_pki, close_pki);
}
