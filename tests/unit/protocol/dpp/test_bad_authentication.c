/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of an authentication with one fault each, sent by somebody who has all the keys: refused for their own reason, and
 * the good frame still passes afterwards. The names are those of hostap's suite, without their "test_dpp_".
 */
#include "protocol/dpp/authentication.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "protocol/dpp/authentication_internal.h"
#include "support/dpp_fixture.h"
#include "support/dpp_forge.h"

static struct berth_pki *pki;
static const struct berth_mono start = {1000};

enum { INITIATOR, RESPONDER };

struct world {
	struct dpp_random random[2];
	struct dpp_key key[2];
	struct berth_dpp_auth_conf conf[2];
	struct berth_dpp_auth *auth[2];
	struct berth_buf request, response, confirm;
};

/* What one frame did. */
struct outcome {
	struct berth_why why;  /* of the verb, or of the end */
	bool is_over, is_done; /* FAILED or DONE */
	bool has_said;	       /* a frame */
	bool has_moved;	       /* any event */
	enum berth_dpp_auth_event_kind event;
	struct berth_buf body;
};

static void
prepare(struct world *w)
{
	for (int side = 0; side < 2; side++) {
		w->random[side].seed = 40 + (uint64_t)side;
		dpp_key_make(pki, BERTH_EC_P256, &w->random[side], &w->key[side]);
	}
	for (int side = 0; side < 2; side++) {
		w->conf[side] = (struct berth_dpp_auth_conf){
			.pki = pki,
			.random = dpp_random_source(&w->random[side]),
			.version = 3,
			.roles = side == INITIATOR ? BERTH_DPP_ENROLLEE : BERTH_DPP_CONFIGURATOR,
			.own = w->key[side].bootstrapping,
			.has_peer = true,
			.peer = w->key[1 - side].bootstrapping,
		};
	}
}

static void
finish(struct world *w)
{
	for (int side = 0; side < 2; side++) {
		berth_dpp_auth_end(w->auth[side]);
		dpp_key_free(&w->key[side]);
	}
	berth_buf_free(&w->request);
	berth_buf_free(&w->response);
	berth_buf_free(&w->confirm);
}

static void
outcome_free(struct outcome *o)
{
	berth_buf_free(&o->body);
}

/* All events and outputs of one side; points are multiplied as they are asked for. */
static void
settle(struct world *w, int side, struct outcome *o)
{
	struct berth_dpp_auth_event event;
	struct berth_bytes body;

	while (w->auth[side] != NULL && berth_dpp_auth_event(w->auth[side], &event)) {
		if (event.kind != BERTH_DPP_AUTH_MULTIPLY) {
			o->has_moved = true;
			o->event = event.kind;
			o->is_done = event.kind == BERTH_DPP_AUTH_DONE;
			o->is_over = event.kind == BERTH_DPP_AUTH_FAILED;
			o->why = o->is_over ? event.why : o->why;
			continue;
		}
		struct berth_ec_point product = {.curve = event.point.curve};
		enum berth_err err =
			berth_ec_multiply(pki, &w->key[side].scalar, &event.point, &product, NULL);
		if (berth_dpp_auth_answer(w->auth[side], start, err, &product, &o->why))
			assert_non_null(o->why.rule);
	}
	while (w->auth[side] != NULL && berth_dpp_auth_output(w->auth[side], &body)) {
		o->has_said = true;
		berth_buf_clear(&o->body);
		assert_int_equal(berth_buf_append_bytes(&o->body, body), BERTH_OK);
	}
}

static void
deliver(struct world *w, int to, struct berth_bytes body, struct outcome *o)
{
	struct berth_dpp_frame frame;

	*o = (struct outcome){0};
	if (berth_dpp_frame_parse(body, &frame, &o->why))
		return;
	if (w->auth[to] != NULL) {
		if (berth_dpp_auth_input(w->auth[to], start, &frame, &o->why))
			assert_non_null(o->why.rule);
	} else if (berth_dpp_auth_respond(&w->conf[to], start, &frame, &w->auth[to], &o->why)) {
		assert_null(w->auth[to]);
	}
	settle(w, to, o);
}

static void
keep(struct outcome *o, struct berth_buf *into)
{
	assert_true(o->has_said);
	*into = o->body;
	o->body = (struct berth_buf){0};
}

static void
say_request(struct world *w)
{
	struct outcome o = {0};

	assert_int_equal(
		berth_dpp_auth_initiate(&w->conf[INITIATOR], start, &w->auth[INITIATOR], NULL),
		BERTH_OK);
	settle(w, INITIATOR, &o);
	keep(&o, &w->request);
}

static void
say_response(struct world *w)
{
	struct outcome o;

	say_request(w);
	deliver(w, RESPONDER, berth_buf_view(&w->request), &o);
	keep(&o, &w->response);
}

static void
say_confirm(struct world *w)
{
	struct outcome o;

	say_response(w);
	deliver(w, INITIATOR, berth_buf_view(&w->response), &o);
	keep(&o, &w->confirm);
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
	if (o->has_said != row->is_told || o->is_done)
		fail_msg("%s: %s", row->name, o->has_said ? "answered" : "not told");
}

static const struct dpp_bad requests[] = {
	BAD("proto_after_wrapped_data_auth_req", AROUND, BEHIND, WRAPPED_DATA,
	    "dpp-after-wrapped-data"),
	BAD("truncated_attr", AROUND, CUT, WRAPPED_DATA, "dpp-attributes"),
	BAD("proto_auth_req_no_r_bootstrap_key", CLEAR, DROPPED, RESPONDER_KEY_HASH,
	    "dpp-attribute-missing"),
	BAD("proto_auth_req_invalid_r_bootstrap_key", CLEAR, FLIPPED, RESPONDER_KEY_HASH,
	    "dpp-responder-hash"),
	BAD("a short hash of the responder", CLEAR, SHORTER, RESPONDER_KEY_HASH,
	    "dpp-attribute-length"),
	BAD("proto_auth_req_no_i_bootstrap_key", CLEAR, DROPPED, INITIATOR_KEY_HASH,
	    "dpp-attribute-missing"),
	BAD("a short hash of the initiator", CLEAR, SHORTER, INITIATOR_KEY_HASH,
	    "dpp-attribute-length"),
	BAD("proto_auth_req_no_i_proto_key", CLEAR, DROPPED, INITIATOR_PROTOCOL_KEY,
	    "dpp-attribute-missing"),
	BAD_AS("proto_auth_req_invalid_i_proto_key", CLEAR, SET, INITIATOR_PROTOCOL_KEY, NOWHERE,
	       "ec-point"),
	BAD("a short protocol key", CLEAR, SHORTER, INITIATOR_PROTOCOL_KEY, "dpp-attribute-length"),
	BAD("a long protocol key", CLEAR, LONGER, INITIATOR_PROTOCOL_KEY, "dpp-attribute-length"),
	BAD("another protocol key than the one it was sealed with", CLEAR, FLIPPED,
	    INITIATOR_PROTOCOL_KEY, "ec-point"),
	BAD_AS("version 0", CLEAR, SET, VERSION, "\0", "dpp-version"),
	BAD("a version of two octets", CLEAR, LONGER, VERSION, "dpp-version"),
	BAD("proto_auth_req_no_i_nonce", INSIDE, DROPPED, I_NONCE, "dpp-attribute-missing"),
	BAD("proto_auth_req_invalid_i_nonce", INSIDE, SHORTER, I_NONCE, "dpp-attribute-length"),
	BAD("a long nonce", INSIDE, LONGER, I_NONCE, "dpp-attribute-length"),
	BAD("proto_auth_req_no_i_capab", INSIDE, DROPPED, I_CAPABILITIES, "dpp-attribute-missing"),
	BAD_AS("proto_zero_i_capab", INSIDE, SET, I_CAPABILITIES, "\0", "dpp-i-capabilities"),
	BAD("capabilities of two octets", INSIDE, LONGER, I_CAPABILITIES, "dpp-attribute-length"),
	TOLD_AS("a Configurator for a Configurator", INSIDE, SET, I_CAPABILITIES, "\x02",
		"dpp-i-capabilities"),
	BAD("proto_auth_req_no_wrapped_data", AROUND, DROPPED, WRAPPED_DATA,
	    "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
	BAD_AS("a seal shorter than its tag", AROUND, SET, WRAPPED_DATA, "123456789012345",
	       "dpp-unwrap"),
	BAD("an empty seal", AROUND, SET, WRAPPED_DATA, "dpp-attribute-length"),
};

static void
each_bad_request_is_refused_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_request(&w);
		const struct dpp_seal seal = {&w.auth[INITIATOR]->k1, NULL, true, true};
		forge(&requests[i], berth_buf_view(&w.request), &seal, &bad);
		deliver(&w, RESPONDER, berth_buf_view(&bad), &o);
		assert_refused(&requests[i], &o);
		outcome_free(&o);
		/* whose requests they are nobody knows: the next one begins anew */
		berth_dpp_auth_end(w.auth[RESPONDER]);
		w.auth[RESPONDER] = NULL;
		deliver(&w, RESPONDER, berth_buf_view(&w.request), &o);
		assert_true(o.has_said);
		outcome_free(&o);
		finish(&w);
	}
}

static const struct dpp_bad responses[] = {
	BAD("proto_after_wrapped_data_auth_resp", AROUND, BEHIND, WRAPPED_DATA,
	    "dpp-after-wrapped-data"),
	BAD("a response that is cut off", AROUND, CUT, WRAPPED_DATA, "dpp-attributes"),
	BAD("proto_auth_resp_no_status", CLEAR, DROPPED, STATUS, "dpp-attribute-missing"),
	BAD("a status of two octets", CLEAR, LONGER, STATUS, "dpp-attribute-length"),
	BAD_AS("proto_auth_resp_invalid_status", CLEAR, SET, STATUS, "\xff", "dpp-unwrap"),
	BAD("proto_auth_resp_no_r_bootstrap_key", CLEAR, DROPPED, RESPONDER_KEY_HASH,
	    "dpp-attribute-missing"),
	BAD("proto_auth_resp_invalid_r_bootstrap_key", CLEAR, FLIPPED, RESPONDER_KEY_HASH,
	    "dpp-responder-hash"),
	TOLD_IN_VAIN("proto_auth_resp_no_i_bootstrap_key", CLEAR, DROPPED, INITIATOR_KEY_HASH,
		     "dpp-r-auth"),
	BAD("proto_auth_resp_invalid_i_bootstrap_key", CLEAR, FLIPPED, INITIATOR_KEY_HASH,
	    "dpp-initiator-hash"),
	BAD("a short hash of ours", CLEAR, SHORTER, INITIATOR_KEY_HASH, "dpp-initiator-hash"),
	BAD("proto_auth_resp_no_r_proto_key", CLEAR, DROPPED, RESPONDER_PROTOCOL_KEY,
	    "dpp-attribute-missing"),
	BAD_AS("proto_auth_resp_invalid_r_proto_key", CLEAR, SET, RESPONDER_PROTOCOL_KEY, NOWHERE,
	       "ec-point"),
	BAD("a short protocol key", CLEAR, SHORTER, RESPONDER_PROTOCOL_KEY, "dpp-attribute-length"),
	BAD_AS("version 0", CLEAR, SET, VERSION, "\0", "dpp-version"),
	BAD("a version of two octets", CLEAR, LONGER, VERSION, "dpp-version"),
	BAD("proto_auth_resp_no_r_nonce", INSIDE, DROPPED, R_NONCE, "dpp-attribute-missing"),
	BAD("a short nonce", INSIDE, SHORTER, R_NONCE, "dpp-attribute-length"),
	BAD("proto_auth_resp_no_i_nonce", INSIDE, DROPPED, I_NONCE, "dpp-attribute-missing"),
	BAD("proto_auth_resp_i_nonce_mismatch", INSIDE, FLIPPED, I_NONCE, "dpp-i-nonce"),
	BAD("proto_auth_resp_no_r_capab", INSIDE, DROPPED, R_CAPABILITIES, "dpp-attribute-missing"),
	TOLD_AS("proto_zero_r_capab", INSIDE, SET, R_CAPABILITIES, "\0", "dpp-r-capabilities"),
	TOLD_AS("proto_auth_resp_incompatible_r_capab", INSIDE, SET, R_CAPABILITIES, "\x01",
		"dpp-r-capabilities"),
	TOLD_AS("both roles at once", INSIDE, SET, R_CAPABILITIES, "\x03", "dpp-r-capabilities"),
	TOLD("proto_auth_resp_no_r_auth", INNER, RENAMED, R_AUTH, "dpp-r-auth"),
	TOLD("no second seal", INSIDE, DROPPED, WRAPPED_DATA, "dpp-r-auth"),
	TOLD("an altered second seal", INSIDE, FLIPPED, WRAPPED_DATA, "dpp-r-auth"),
	TOLD("a short R-auth", INNER, SHORTER, R_AUTH, "dpp-r-auth"),
	TOLD("proto_auth_resp_r_auth_mismatch", INNER, FLIPPED, R_AUTH, "dpp-r-auth"),
	BAD("proto_auth_resp_no_wrapped_data", AROUND, DROPPED, WRAPPED_DATA,
	    "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
	BAD_AS("a seal shorter than its tag", AROUND, SET, WRAPPED_DATA, "123456789012345",
	       "dpp-unwrap"),
};

static void
each_bad_response_is_refused_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_response(&w);
		const struct dpp_seal seal = {&w.auth[RESPONDER]->k2,
					      &w.auth[RESPONDER]->secrets.ke, true, true};
		forge(&responses[i], berth_buf_view(&w.response), &seal, &bad);
		deliver(&w, INITIATOR, berth_buf_view(&bad), &o);
		assert_refused(&responses[i], &o);
		assert_int_equal(o.is_over, responses[i].is_told);
		if (responses[i].is_told) { /* and the other believes it */
			struct outcome told;
			deliver(&w, RESPONDER, berth_buf_view(&o.body), &told);
			assert_int_equal(told.is_over, !responses[i].is_in_vain);
			assert_string_equal(told.why.rule, told.is_over ? "dpp-confirm-status"
									: "dpp-initiator-hash");
			outcome_free(&told);
		} else {
			outcome_free(&o);
			deliver(&w, INITIATOR, berth_buf_view(&w.response), &o);
			assert_true(o.is_done && o.has_said);
		}
		outcome_free(&o);
		finish(&w);
	}
}

static const struct dpp_bad refusals[] = {
	BAD("proto_auth_resp_status_no_status", CLEAR, DROPPED, STATUS, "dpp-attribute-missing"),
	BAD_AS("success that is none", CLEAR, SET, STATUS, "\0", "dpp-attribute-missing"),
	BAD("proto_auth_resp_status_no_r_bootstrap_key", CLEAR, DROPPED, RESPONDER_KEY_HASH,
	    "dpp-attribute-missing"),
	BAD("proto_auth_resp_status_invalid_r_bootstrap_key", CLEAR, FLIPPED, RESPONDER_KEY_HASH,
	    "dpp-responder-hash"),
	BAD_AS("proto_auth_resp_status_invalid_i_bootstrap_key", CLEAR, ADDED, INITIATOR_KEY_HASH,
	       SOMEBODY, "dpp-initiator-hash"),
	BAD("proto_auth_resp_status_no_i_nonce", INSIDE, DROPPED, I_NONCE, "dpp-attribute-missing"),
	BAD("another's nonce", INSIDE, FLIPPED, I_NONCE, "dpp-i-nonce"),
	BAD("no seal", AROUND, DROPPED, WRAPPED_DATA, "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
};

/* Anybody could say in another's name that it does not want to: only who has the key is believed. */
static void
each_bad_refusal_is_refused_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		w.conf[RESPONDER].roles = BERTH_DPP_ENROLLEE;
		say_response(&w);
		const struct dpp_seal seal = {&w.auth[INITIATOR]->k1, NULL, true, true};
		forge(&refusals[i], berth_buf_view(&w.response), &seal, &bad);
		deliver(&w, INITIATOR, berth_buf_view(&bad), &o);
		assert_refused(&refusals[i], &o);
		assert_false(o.is_over);
		deliver(&w, INITIATOR, berth_buf_view(&w.response), &o);
		assert_true(o.is_over);
		assert_string_equal(o.why.rule, "dpp-response-status");
		finish(&w);
	}
}

static const struct dpp_bad confirms[] = {
	BAD("proto_after_wrapped_data_auth_conf", AROUND, BEHIND, WRAPPED_DATA,
	    "dpp-after-wrapped-data"),
	BAD("a confirm that is cut off", AROUND, CUT, WRAPPED_DATA, "dpp-attributes"),
	BAD("proto_auth_conf_no_status", CLEAR, DROPPED, STATUS, "dpp-attribute-missing"),
	BAD_AS("proto_auth_conf_invalid_status", CLEAR, SET, STATUS, "\xff", "dpp-unwrap"),
	BAD("proto_auth_conf_no_r_bootstrap_key", CLEAR, DROPPED, RESPONDER_KEY_HASH,
	    "dpp-attribute-missing"),
	BAD("proto_auth_conf_invalid_r_bootstrap_key", CLEAR, FLIPPED, RESPONDER_KEY_HASH,
	    "dpp-responder-hash"),
	BAD("proto_auth_conf_no_i_bootstrap_key", CLEAR, DROPPED, INITIATOR_KEY_HASH,
	    "dpp-initiator-hash"),
	BAD("proto_auth_conf_invalid_i_bootstrap_key", CLEAR, FLIPPED, INITIATOR_KEY_HASH,
	    "dpp-initiator-hash"),
	BAD("proto_auth_conf_no_i_auth", INSIDE, RENAMED, I_AUTH, "dpp-attribute-missing"),
	BAD("a short I-auth", INSIDE, SHORTER, I_AUTH, "dpp-attribute-length"),
	BAD("proto_auth_conf_i_auth_mismatch", INSIDE, FLIPPED, I_AUTH, "dpp-i-auth"),
	BAD("proto_auth_conf_no_wrapped_data", AROUND, DROPPED, WRAPPED_DATA,
	    "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
};

static void
each_bad_confirm_is_refused_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(confirms) / sizeof(confirms[0]); i++) {
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_confirm(&w);
		const struct dpp_seal seal = {&w.auth[RESPONDER]->secrets.ke, NULL, true, true};
		forge(&confirms[i], berth_buf_view(&w.confirm), &seal, &bad);
		deliver(&w, RESPONDER, berth_buf_view(&bad), &o);
		assert_refused(&confirms[i], &o);
		assert_false(o.is_over);
		deliver(&w, RESPONDER, berth_buf_view(&w.confirm), &o);
		assert_true(o.is_done);
		finish(&w);
	}
}

static const struct dpp_bad endings[] = {
	BAD("no status", CLEAR, DROPPED, STATUS, "dpp-attribute-missing"),
	BAD_AS("success that is none", CLEAR, SET, STATUS, "\0", "dpp-unwrap"),
	BAD("no nonce", INSIDE, RENAMED, R_NONCE, "dpp-attribute-missing"),
	BAD("another's nonce", INSIDE, FLIPPED, R_NONCE, "dpp-r-nonce"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
};

/* A confirm that breaks off is believed of who knows the nonce alone. */
static void
each_bad_end_is_refused_for_its_own_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		struct world w = {0};
		struct outcome o;
		BERTH_BUF bad = {0};
		prepare(&w);
		w.conf[RESPONDER].has_peer = false;
		w.conf[INITIATOR].requires_mutual = true;
		say_confirm(&w);
		const struct dpp_seal seal = {&w.auth[RESPONDER]->k2, NULL, true, true};
		forge(&endings[i], berth_buf_view(&w.confirm), &seal, &bad);
		deliver(&w, RESPONDER, berth_buf_view(&bad), &o);
		assert_refused(&endings[i], &o);
		assert_false(o.is_over);
		deliver(&w, RESPONDER, berth_buf_view(&w.confirm), &o);
		assert_true(o.is_over);
		finish(&w);
	}
}

/* proto_auth_req_invalid_i_bootstrap_key: who must be known is waited for, whoever it is. */
static void
a_request_of_a_stranger_waits_for_its_code(void **state)
{
	struct world w = {0};
	struct outcome o;
	BERTH_BUF bad = {0};
	const struct dpp_edit edit = {DPP_CLEAR, DPP_FLIPPED, BERTH_DPP_INITIATOR_KEY_HASH, {0}};

	(void)state;
	prepare(&w);
	w.conf[RESPONDER].requires_mutual = true;
	say_request(&w);
	const struct dpp_seal seal = {&w.auth[INITIATOR]->k1, NULL, true, true};
	dpp_forge(pki, berth_buf_view(&w.request), &seal, &edit, &bad);
	deliver(&w, RESPONDER, berth_buf_view(&bad), &o);
	assert_int_equal(o.event, BERTH_DPP_AUTH_PEER_WANTED);
	keep(&o, &w.response);
	deliver(&w, INITIATOR, berth_buf_view(&w.response), &o);
	assert_int_equal(o.event, BERTH_DPP_AUTH_PENDING);
	finish(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bad_request_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_response_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_refusal_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_confirm_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_end_is_refused_for_its_own_reason),
		cmocka_unit_test(a_request_of_a_stranger_waits_for_its_code),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
