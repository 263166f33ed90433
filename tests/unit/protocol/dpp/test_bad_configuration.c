/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of a configuration with one fault each, sealed with the right key: refused for their own reason, and the good frame still
 * passes afterwards. The names are those of hostap's suite, without their "test_dpp_".
 */
#include "protocol/dpp/configurator.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pki/keystore/keystore.h"
#include "protocol/dpp/enrollee.h"
#include "support/dpp_fixture.h"
#include "support/dpp_forge.h"

static struct berth_pki *pki;
static const struct berth_mono start = {1000};

struct world {
	struct dpp_random random;
	struct berth_dpp_secrets secrets[2]; /* enrollee, configurator */
	struct berth_dpp_enrollee *enrollee;
	struct berth_dpp_configurator *configurator;
	struct berth_key *c_sign;
	struct berth_ec_point c_sign_point, net_access_key;
	struct berth_secret ke; /* of both */
	struct berth_buf request, response, result, connected;
	struct berth_why why;
};

static void
fill(struct berth_secret *secret, int octet)
{
	uint8_t octets[32];

	memset(octets, octet, sizeof(octets));
	assert_int_equal(berth_secret_copy(secret, berth_bytes_of(octets, sizeof(octets))),
			 BERTH_OK);
}

static void
share(struct world *w)
{
	struct berth_random source = dpp_random_source(&w->random);

	for (int side = 0; side < 2; side++) {
		struct berth_dpp_secrets *s = &w->secrets[side];
		*s = (struct berth_dpp_secrets){.curve = BERTH_EC_P256, .version = 3};
		s->role = side == 0 ? BERTH_DPP_ENROLLEE : BERTH_DPP_CONFIGURATOR;
		assert_int_equal(berth_ec_generate(pki, BERTH_EC_P256, &source, &s->scalar,
						   &s->own_key, NULL),
				 BERTH_OK);
		fill(&s->bk, 0x11);
		fill(&s->ke, 0x22);
	}
	fill(&w->ke, 0x22);
	w->secrets[0].peer_key = w->secrets[1].own_key;
	w->secrets[1].peer_key = w->secrets[0].own_key;
}

static void
prepare(struct world *w)
{
	const struct berth_dpp_configurator_conf configurator = {
		.pki = pki,
		.random = dpp_random_source(&w->random),
		.wants_connection_status = true,
	};
	const struct berth_dpp_enrollee_conf enrollee = {
		.pki = pki,
		.random = dpp_random_source(&w->random),
		.request = {.name = BERTH_LIT("pump-7"),
			    .net_role = BERTH_DPP_STA,
			    .mud_url = BERTH_LIT("https://example.com/pump.json")},
		.trusts_clock = true,
		.now = {1800000000},
		.dialog = 5,
	};

	w->random.seed = 3;
	share(w);
	assert_int_equal(berth_keystore_ephemeral(pki, "P-256", &w->c_sign, NULL), BERTH_OK);
	assert_int_equal(berth_ec_of_key(pki, w->c_sign, &w->c_sign_point, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_configurator_start(&configurator, &w->secrets[1], start,
						      &w->configurator, &w->why),
			 BERTH_OK);
	assert_int_equal(
		berth_dpp_enrollee_start(&enrollee, &w->secrets[0], start, &w->enrollee, &w->why),
		BERTH_OK);
}

static void
finish(struct world *w)
{
	berth_dpp_enrollee_end(w->enrollee);
	berth_dpp_configurator_end(w->configurator);
	berth_secret_free(&w->ke);
	berth_key_free(w->c_sign);
	berth_buf_free(&w->request);
	berth_buf_free(&w->response);
	berth_buf_free(&w->result);
	berth_buf_free(&w->connected);
}

/* What a frame did: the rule by which it was refused, or an event. */
struct outcome {
	struct berth_why why;
	bool has_event, has_said;
	struct berth_dpp_enrollee_event enrollee;
	struct berth_dpp_configurator_event configurator;
};

static void
to_configurator(struct world *w, struct berth_bytes body, struct outcome *o)
{
	struct berth_dpp_frame frame;
	struct berth_bytes said;

	*o = (struct outcome){0};
	enum berth_err err = berth_dpp_frame_parse(body, &frame, &o->why);
	err = err ? err : berth_dpp_configurator_input(w->configurator, start, &frame, &o->why);
	assert_int_equal(err != BERTH_OK, o->why.rule != NULL);
	o->has_event = berth_dpp_configurator_event(w->configurator, &o->configurator);
	o->has_said = berth_dpp_configurator_output(w->configurator, &said);
}

static void
to_enrollee(struct world *w, struct berth_bytes body, struct outcome *o)
{
	struct berth_dpp_frame frame;
	struct berth_bytes said;

	*o = (struct outcome){0};
	enum berth_err err = berth_dpp_frame_parse(body, &frame, &o->why);
	err = err ? err : berth_dpp_enrollee_input(w->enrollee, start, &frame, &o->why);
	assert_int_equal(err != BERTH_OK, o->why.rule != NULL);
	o->has_event = berth_dpp_enrollee_event(w->enrollee, &o->enrollee);
	if (o->has_event && o->enrollee.kind == BERTH_DPP_ENROLMENT_FAILED)
		o->why = o->enrollee.why;
	o->has_said = berth_dpp_enrollee_output(w->enrollee, &said);
}

static void
keep(struct berth_bytes body, struct berth_buf *into)
{
	berth_buf_clear(into);
	assert_int_equal(berth_buf_append_bytes(into, body), BERTH_OK);
}

static void
say_request(struct world *w)
{
	struct berth_bytes body;

	assert_true(berth_dpp_enrollee_output(w->enrollee, &body));
	keep(body, &w->request);
}

static void
take_request(struct world *w)
{
	struct outcome o;

	say_request(w);
	to_configurator(w, berth_buf_view(&w->request), &o);
	assert_true(o.has_event);
	assert_int_equal(o.configurator.kind, BERTH_DPP_CONFIGURE);
	w->net_access_key = *o.configurator.net_access_key;
}

static void
build_object(struct world *w, struct berth_buf *json)
{
	BERTH_BUF payload = {0};
	BERTH_BUF jws = {0};
	const struct berth_dpp_connector connector = {
		.groups = {{"lab", BERTH_DPP_STA}},
		.group_count = 1,
		.key = w->net_access_key,
		.expiry = {1900000000},
	};

	assert_int_equal(berth_dpp_connector_write(&connector, &payload, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_connector_sign(pki, w->c_sign, berth_buf_view(&payload), &jws,
						  NULL, &w->why),
			 BERTH_OK);
	const struct berth_dpp_object object = {
		.akm = BERTH_DPP_AKM_DPP,
		.ssid = BERTH_LIT("net-x"),
		.connector = berth_buf_view(&jws),
		.has_c_sign = true,
		.c_sign = w->c_sign_point,
	};
	assert_int_equal(berth_dpp_object_write(pki, &object, json, &w->why), BERTH_OK);
}

static void
answer(struct world *w, const struct berth_dpp_configurator_answer *given)
{
	struct berth_bytes body;

	assert_int_equal(berth_dpp_configurator_answer(w->configurator, start, given, &w->why),
			 BERTH_OK);
	assert_true(berth_dpp_configurator_output(w->configurator, &body));
	keep(body, &w->response);
}

static void
say_response(struct world *w)
{
	BERTH_BUF json = {0};

	take_request(w);
	build_object(w, &json);
	struct berth_bytes view = berth_buf_view(&json);
	answer(w, &(struct berth_dpp_configurator_answer){
			  .status = BERTH_DPP_OK, .objects = &view, .object_count = 1});
}

static void
say_result(struct world *w)
{
	struct berth_bytes body;
	struct outcome o;

	say_response(w);
	to_enrollee(w, berth_buf_view(&w->response), &o);
	assert_int_equal(o.enrollee.kind, BERTH_DPP_OFFERED);
	assert_int_equal(berth_dpp_enrollee_decide(w->enrollee, start, true, &w->why), BERTH_OK);
	assert_true(berth_dpp_enrollee_output(w->enrollee, &body));
	keep(body, &w->result);
}

static void
say_connected(struct world *w)
{
	struct berth_bytes body;
	struct outcome o;

	say_result(w);
	to_configurator(w, berth_buf_view(&w->result), &o);
	assert_int_equal(o.configurator.kind, BERTH_DPP_RESULT);
	assert_int_equal(berth_dpp_enrollee_connected(w->enrollee, BERTH_DPP_OK, BERTH_LIT("net-x"),
						      &w->why),
			 BERTH_OK);
	assert_true(berth_dpp_enrollee_output(w->enrollee, &body));
	keep(body, &w->connected);
}

static void
forge(const struct dpp_bad *row, struct berth_bytes good, const struct dpp_seal *seal,
      struct berth_buf *body)
{
	dpp_forge(pki, good, seal, &row->edit, body);
	if (berth_bytes_equal(berth_buf_view(body), good))
		fail_msg("%s changes nothing", row->name);
}

static void
assert_refused(const struct dpp_bad *row, const struct outcome *o)
{
	if (o->why.rule == NULL || strcmp(o->why.rule, row->rule) != 0)
		fail_msg("%s: %s, not %s", row->name, o->why.rule == NULL ? "taken" : o->why.rule,
			 row->rule);
	if (o->has_event != row->is_told || o->has_said != row->is_told)
		fail_msg("%s: it moved", row->name);
}

static const struct dpp_bad requests[] = {
	BAD("proto_after_wrapped_data_conf_req", AROUND, BEHIND, WRAPPED_DATA,
	    "dpp-after-wrapped-data"),
	BAD("a request that is cut off", AROUND, CUT, WRAPPED_DATA, "dpp-attributes"),
	BAD("proto_conf_req_no_e_nonce", INSIDE, DROPPED, E_NONCE, "dpp-attribute-missing"),
	BAD("proto_conf_req_invalid_e_nonce", INSIDE, SHORTER, E_NONCE, "dpp-attribute-length"),
	BAD("a long nonce", INSIDE, LONGER, E_NONCE, "dpp-attribute-length"),
	BAD("proto_conf_req_no_config_attr_obj", INSIDE, DROPPED, CONFIG_REQUEST,
	    "dpp-attribute-missing"),
	BAD("a request that is not all JSON", INSIDE, SHORTER, CONFIG_REQUEST, "json-syntax"),
	BAD_AS("a request that is nothing", INSIDE, SET, CONFIG_REQUEST, "",
	       "dpp-attribute-length"),
	BAD_AS("a request that is no object", INSIDE, SET, CONFIG_REQUEST, "1", "json-syntax"),
	BAD_AS("proto_conf_req_invalid_config_attr_obj", INSIDE, SET, CONFIG_REQUEST,
	       "{\"name\":\"a\",\"wi-fi_tech\":\"invalid\",\"netRole\":\"sta\"}", "dpp-wifi-tech"),
	BAD_AS("a request without a technology", INSIDE, SET, CONFIG_REQUEST,
	       "{\"name\":\"a\",\"netRole\":\"sta\"}", "json-missing-member"),
	BAD_AS("a request without a name", INSIDE, SET, CONFIG_REQUEST,
	       "{\"wi-fi_tech\":\"infra\",\"netRole\":\"sta\"}", "json-missing-member"),
	BAD_AS("a request without a role", INSIDE, SET, CONFIG_REQUEST,
	       "{\"name\":\"a\",\"wi-fi_tech\":\"infra\"}", "json-missing-member"),
	BAD_AS("a role that there is not", INSIDE, SET, CONFIG_REQUEST,
	       "{\"name\":\"a\",\"wi-fi_tech\":\"infra\",\"netRole\":\"mesh\"}", "dpp-net-role"),
	BAD_AS("a name that is a number", INSIDE, SET, CONFIG_REQUEST,
	       "{\"name\":1,\"wi-fi_tech\":\"infra\",\"netRole\":\"sta\"}", "json-member-type"),
	BAD_AS("a certification request that is no base64", INSIDE, SET, CONFIG_REQUEST,
	       "{\"name\":\"a\",\"wi-fi_tech\":\"infra\",\"netRole\":\"sta\",\"pkcs10\":\"!\"}",
	       "json-member-base64"),
	BAD_AS("two names", INSIDE, SET, CONFIG_REQUEST,
	       "{\"name\":\"a\",\"name\":\"b\",\"wi-fi_tech\":\"infra\",\"netRole\":\"sta\"}",
	       "json-duplicate-key"),
	BAD("proto_conf_req_no_wrapped_data", AROUND, DROPPED, WRAPPED_DATA,
	    "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
	BAD_AS("a seal shorter than its tag", AROUND, SET, WRAPPED_DATA, "123456789012345",
	       "dpp-unwrap"),
};

static void
each_bad_configuration_request_is_refused_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_request(&w);
		const struct dpp_seal seal = {&w.ke, NULL, false, false};
		forge(&requests[i], berth_buf_view(&w.request), &seal, &bad);
		to_configurator(&w, berth_buf_view(&bad), &o);
		assert_refused(&requests[i], &o);
		to_configurator(&w, berth_buf_view(&w.request), &o);
		assert_true(o.has_event);
		assert_int_equal(o.configurator.kind, BERTH_DPP_CONFIGURE);
		/* test_dpp_mud_url */
		assert_true(berth_bytes_equal_text(o.configurator.request->mud_url,
						   "https://example.com/pump.json"));
		finish(&w);
	}
}

/* is_told: it came from who was authenticated, and is no good: the device says so with a result. */
static const struct dpp_bad responses[] = {
	BAD("proto_after_wrapped_data_conf_resp", AROUND, BEHIND, WRAPPED_DATA,
	    "dpp-after-wrapped-data"),
	BAD("a response that is cut off", AROUND, CUT, WRAPPED_DATA, "dpp-attributes"),
	BAD("proto_conf_resp_no_e_nonce", INSIDE, DROPPED, E_NONCE, "dpp-attribute-missing"),
	BAD("a short nonce", INSIDE, SHORTER, E_NONCE, "dpp-attribute-length"),
	BAD("proto_conf_resp_e_nonce_mismatch", INSIDE, FLIPPED, E_NONCE, "dpp-e-nonce"),
	TOLD("proto_conf_resp_no_config_obj", INSIDE, DROPPED, CONFIG_OBJECT, "dpp-objects"),
	TOLD("an object that is not all JSON", INSIDE, SHORTER, CONFIG_OBJECT, "json-syntax"),
	BAD("proto_conf_resp_no_status", CLEAR, DROPPED, STATUS, "dpp-attribute-missing"),
	BAD("a status of two octets", CLEAR, LONGER, STATUS, "dpp-attribute-length"),
	BAD("proto_conf_resp_no_wrapped_data", AROUND, DROPPED, WRAPPED_DATA,
	    "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
	BAD_AS("a seal shorter than its tag", AROUND, SET, WRAPPED_DATA, "123456789012345",
	       "dpp-unwrap"),
	/* the wish for a certification request, or for another key, without what belongs to it */
	BAD_AS("a new key without its curve", CLEAR, SET, STATUS, "\x0e", "dpp-attribute-missing"),
};

static void
each_bad_configuration_response_is_refused_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_response(&w);
		const struct dpp_seal seal = {&w.ke, NULL, false, true};
		forge(&responses[i], berth_buf_view(&w.response), &seal, &bad);
		to_enrollee(&w, berth_buf_view(&bad), &o);
		assert_refused(&responses[i], &o);
		if (!responses[i].is_told) {
			to_enrollee(&w, berth_buf_view(&w.response), &o);
			assert_true(o.has_event);
			assert_int_equal(o.enrollee.kind, BERTH_DPP_OFFERED);
		}
		finish(&w);
	}
}

/* A status that nobody knows is a refusal, whatever comes with it: nothing is taken. */
static void
a_status_that_is_not_known_gives_nothing(void **state)
{
	static const struct dpp_bad row = BAD_AS("proto_conf_resp_invalid_status", CLEAR, SET,
						 STATUS, "\xff", "dpp-configuration-status");
	struct world w = {0};
	struct outcome o;
	BERTH_BUF bad = {0};

	(void)state;
	prepare(&w);
	say_response(&w);
	const struct dpp_seal seal = {&w.ke, NULL, false, true};
	forge(&row, berth_buf_view(&w.response), &seal, &bad);
	to_enrollee(&w, berth_buf_view(&bad), &o);
	assert_int_equal(o.enrollee.kind, BERTH_DPP_ENROLMENT_FAILED);
	assert_string_equal(o.why.rule, row.rule);
	assert_false(o.has_said);
	finish(&w);
}

/* GAS itself: its fields are in the clear, and anybody may have written them. */
static void
gas_that_answers_something_else_is_refused(void **state)
{
	struct world w = {0};
	struct outcome o;
	BERTH_BUF bad = {0};
	static const struct {
		size_t at;
		uint8_t octet;
		const char *rule;
	} rows[] = {
		{1, 6, "dpp-frame-unexpected"}, /* another dialog */
		{2, 1, "gas-status"},		/* refused */
		{0, 0x0d, "dpp-frame"},	     /* a comeback response, of which an octet is missing */
		{6, 0x6d, "dpp-frame-kind"}, /* another element */
		{15, 2, "dpp-frame-kind"},   /* another crypto suite */
		{16, 0, "dpp-frame"},	     /* another length */
	};

	(void)state;
	prepare(&w);
	say_response(&w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		keep(berth_buf_view(&w.response), &bad);
		bad.p[rows[i].at] = rows[i].octet;
		to_enrollee(&w, berth_buf_view(&bad), &o);
		assert_string_equal(o.why.rule, rows[i].rule);
		assert_false(o.has_event);
	}
	to_enrollee(&w, berth_buf_view(&w.response), &o);
	assert_int_equal(o.enrollee.kind, BERTH_DPP_OFFERED);
	finish(&w);
}

static const struct dpp_bad wishes[] = {
	BAD("no curve", INSIDE, DROPPED, GROUP, "dpp-attribute-missing"),
	BAD("a curve of one octet", INSIDE, SHORTER, GROUP, "dpp-attribute-length"),
	BAD_AS("a curve that DPP does not have", INSIDE, SET, GROUP, "\x01\x00", "dpp-group"),
	BAD("no key of the Configurator", INSIDE, DROPPED, RESPONDER_PROTOCOL_KEY,
	    "dpp-attribute-missing"),
	BAD("a short key", INSIDE, SHORTER, RESPONDER_PROTOCOL_KEY, "dpp-attribute-length"),
	BAD("a key on no curve", INSIDE, FLIPPED, RESPONDER_PROTOCOL_KEY, "ec-point"),
	BAD("another's nonce", INSIDE, FLIPPED, E_NONCE, "dpp-e-nonce"),
};

static const struct dpp_bad proofs[] = {
	BAD("no new key", INSIDE, DROPPED, INITIATOR_PROTOCOL_KEY, "dpp-attribute-missing"),
	BAD("a short new key", INSIDE, SHORTER, INITIATOR_PROTOCOL_KEY, "dpp-attribute-length"),
	BAD("a new key on no curve", INSIDE, FLIPPED, INITIATOR_PROTOCOL_KEY, "ec-point"),
	BAD("no proof", INSIDE, DROPPED, I_AUTH, "dpp-attribute-missing"),
	BAD("a short proof", INSIDE, SHORTER, I_AUTH, "dpp-attribute-length"),
	BAD("a wrong proof", INSIDE, FLIPPED, I_AUTH, "dpp-new-key"),
	BAD("another nonce than the proof is for", INSIDE, FLIPPED, E_NONCE, "dpp-new-key"),
};

static void
each_bad_new_key_is_refused_for_its_own_reason(void **state)
{
	const size_t wish_count = sizeof(wishes) / sizeof(wishes[0]);

	(void)state;
	for (size_t i = 0; i < wish_count + sizeof(proofs) / sizeof(proofs[0]); i++) {
		const struct dpp_bad *row = i < wish_count ? &wishes[i] : &proofs[i - wish_count];
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		take_request(&w);
		answer(&w,
		       &(struct berth_dpp_configurator_answer){.status = BERTH_DPP_NEW_KEY_NEEDED,
							       .new_key_curve = BERTH_EC_P384});
		const struct dpp_seal from_configurator = {&w.ke, NULL, false, true};
		const struct dpp_seal from_enrollee = {&w.ke, NULL, false, false};
		if (i < wish_count) {
			forge(row, berth_buf_view(&w.response), &from_configurator, &bad);
			to_enrollee(&w, berth_buf_view(&bad), &o);
			assert_refused(row, &o);
		}
		struct berth_bytes body;
		struct berth_dpp_frame frame;
		assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&w.response), &frame, NULL),
				 BERTH_OK);
		assert_int_equal(berth_dpp_enrollee_input(w.enrollee, start, &frame, NULL),
				 BERTH_OK);
		assert_true(berth_dpp_enrollee_output(w.enrollee, &body));
		keep(body, &w.request);
		if (i >= wish_count) {
			forge(row, berth_buf_view(&w.request), &from_enrollee, &bad);
			to_configurator(&w, berth_buf_view(&bad), &o);
			assert_refused(row, &o);
		}
		to_configurator(&w, berth_buf_view(&w.request), &o);
		assert_true(o.has_event);
		assert_int_equal(o.configurator.net_access_key->curve, BERTH_EC_P384);
		finish(&w);
	}
}

static const struct dpp_bad results[] = {
	BAD("a result that is cut off", AROUND, CUT, WRAPPED_DATA, "dpp-attributes"),
	BAD("something behind the seal", AROUND, BEHIND, WRAPPED_DATA, "dpp-after-wrapped-data"),
	BAD("no seal", AROUND, DROPPED, WRAPPED_DATA, "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
	BAD("no status", INSIDE, DROPPED, STATUS, "dpp-attribute-missing"),
	BAD("a status of two octets", INSIDE, LONGER, STATUS, "dpp-attribute-length"),
	BAD("no nonce", INSIDE, DROPPED, E_NONCE, "dpp-attribute-missing"),
	BAD("another's nonce", INSIDE, FLIPPED, E_NONCE, "dpp-e-nonce"),
};

static void
each_bad_result_is_refused_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++) {
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_result(&w);
		const struct dpp_seal seal = {&w.ke, NULL, true, true};
		forge(&results[i], berth_buf_view(&w.result), &seal, &bad);
		to_configurator(&w, berth_buf_view(&bad), &o);
		assert_refused(&results[i], &o);
		to_configurator(&w, berth_buf_view(&w.result), &o);
		assert_int_equal(o.configurator.kind, BERTH_DPP_RESULT);
		assert_int_equal(o.configurator.status, BERTH_DPP_OK);
		finish(&w);
	}
}

static const struct dpp_bad statuses[] = {
	BAD("no seal", AROUND, DROPPED, WRAPPED_DATA, "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
	BAD("no nonce", INSIDE, DROPPED, E_NONCE, "dpp-attribute-missing"),
	BAD("another's nonce", INSIDE, FLIPPED, E_NONCE, "dpp-e-nonce"),
	BAD("no status", INSIDE, DROPPED, CONNECTION_STATUS, "dpp-attribute-missing"),
	BAD("a status that is not all JSON", INSIDE, SHORTER, CONNECTION_STATUS, "json-syntax"),
	BAD_AS("a status without a result", INSIDE, SET, CONNECTION_STATUS, "{}",
	       "json-missing-member"),
	BAD_AS("a result that is no number", INSIDE, SET, CONNECTION_STATUS, "{\"result\":\"0\"}",
	       "json-member-type"),
	BAD_AS("a result out of range", INSIDE, SET, CONNECTION_STATUS, "{\"result\":256}",
	       "json-member-range"),
};

static void
each_bad_connection_status_is_refused_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_connected(&w);
		const struct dpp_seal seal = {&w.ke, NULL, true, true};
		forge(&statuses[i], berth_buf_view(&w.connected), &seal, &bad);
		to_configurator(&w, berth_buf_view(&bad), &o);
		assert_refused(&statuses[i], &o);
		to_configurator(&w, berth_buf_view(&w.connected), &o);
		assert_int_equal(o.configurator.kind, BERTH_DPP_CONNECTION);
		finish(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bad_configuration_request_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_configuration_response_is_refused_for_its_own_reason),
		cmocka_unit_test(a_status_that_is_not_known_gives_nothing),
		cmocka_unit_test(gas_that_answers_something_else_is_refused),
		cmocka_unit_test(each_bad_new_key_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_result_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_connection_status_is_refused_for_its_own_reason),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
