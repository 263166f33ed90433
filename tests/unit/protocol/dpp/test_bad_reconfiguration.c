/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of a reconfiguration with one fault each, sealed with the right key where they are sealed: refused for their own
 * reason, and the good frame still passes afterwards.
 */
#include "protocol/dpp/reconfiguration.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pki/keystore/keystore.h"
#include "support/dpp_fixture.h"
#include "support/dpp_forge.h"

static struct berth_pki *pki;
static const struct berth_mono start = {1000};
static const struct berth_wall today = {1800000000};

struct world {
	struct dpp_random random[2]; /* enrollee, configurator */
	struct berth_key *c_sign;
	struct berth_ec_point c_sign_point;
	struct dpp_key net_access, pp_key, e_id;
	struct berth_buf connector, announcement, request, response, confirm;
	struct berth_dpp_reconfig_conf conf[2];
	struct berth_dpp_reconfig *enrollee, *configurator;
	struct berth_secret ke; /* that both will have */
	struct berth_why why;
};

static void
sign(struct world *w, struct berth_bytes payload, struct berth_buf *out)
{
	assert_int_equal(berth_dpp_connector_sign(pki, w->c_sign, payload, out, NULL, &w->why),
			 BERTH_OK);
}

static void
prepare(struct world *w)
{
	struct dpp_random keys = {.seed = 9};
	BERTH_BUF payload = {0};

	for (int side = 0; side < 2; side++)
		w->random[side].seed = 60 + (uint64_t)side;
	dpp_key_make(pki, BERTH_EC_P256, &keys, &w->net_access);
	dpp_key_make(pki, BERTH_EC_P256, &keys, &w->pp_key);
	dpp_key_make(pki, BERTH_EC_P256, &keys, &w->e_id);
	assert_int_equal(berth_keystore_ephemeral(pki, "P-256", &w->c_sign, NULL), BERTH_OK);
	assert_int_equal(berth_ec_of_key(pki, w->c_sign, &w->c_sign_point, NULL), BERTH_OK);
	const struct berth_dpp_connector connector = {
		.groups = {{"lab", BERTH_DPP_STA}},
		.group_count = 1,
		.key = w->net_access.bootstrapping.point,
		.expiry = {today.s - 86400},
	};
	assert_int_equal(berth_dpp_connector_write(&connector, &payload, NULL), BERTH_OK);
	sign(w, berth_buf_view(&payload), &w->connector);
	for (int side = 0; side < 2; side++)
		w->conf[side] = (struct berth_dpp_reconfig_conf){
			.pki = pki,
			.random = dpp_random_source(&w->random[side]),
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
finish(struct world *w)
{
	berth_dpp_reconfig_end(w->enrollee);
	berth_dpp_reconfig_end(w->configurator);
	dpp_key_free(&w->net_access);
	dpp_key_free(&w->pp_key);
	dpp_key_free(&w->e_id);
	berth_secret_free(&w->ke);
	berth_buf_free(&w->connector);
	berth_buf_free(&w->announcement);
	berth_buf_free(&w->request);
	berth_buf_free(&w->response);
	berth_buf_free(&w->confirm);
	berth_key_free(w->c_sign);
}

static void
keep(struct berth_dpp_reconfig *from, struct berth_buf *into)
{
	struct berth_bytes body;

	assert_true(berth_dpp_reconfig_output(from, &body));
	berth_buf_clear(into);
	assert_int_equal(berth_buf_append_bytes(into, body), BERTH_OK);
}

static void
announce(struct world *w)
{
	assert_int_equal(berth_dpp_reconfig_announce(pki, &w->conf[0].random, &w->c_sign_point,
						     &w->pp_key.bootstrapping.point,
						     &w->e_id.bootstrapping.point, BERTH_EC_P256,
						     &w->announcement, &w->why),
			 BERTH_OK);
}

/* The rule by which an announcement is refused; NULL: the configurator would begin. */
static enum berth_err
hear(struct world *w, struct berth_bytes body, struct berth_why *why)
{
	struct berth_dpp_announcement announcement;
	struct berth_dpp_frame frame;

	*why = (struct berth_why){0};
	enum berth_err err = berth_dpp_frame_parse(body, &frame, why);
	err = err ? err
		  : berth_dpp_announcement_parse(pki, BERTH_EC_P256, &frame, &announcement, why);
	return err ? err
		   : berth_dpp_reconfig_begin(&w->conf[1], start, &announcement, &w->configurator,
					      why);
}

static void
say_request(struct world *w)
{
	struct berth_dpp_reconfig_event event;
	BERTH_BUF connector = {0};

	announce(w);
	assert_int_equal(hear(w, berth_buf_view(&w->announcement), &w->why), BERTH_OK);
	assert_true(berth_dpp_reconfig_event(w->configurator, &event));
	sign(w, event.payload, &connector);
	assert_int_equal(
		berth_dpp_reconfig_signed(w->configurator, berth_buf_view(&connector), &w->why),
		BERTH_OK);
	keep(w->configurator, &w->request);
}

static enum berth_err
take_request(struct world *w, struct berth_bytes body, struct berth_why *why)
{
	struct berth_dpp_frame frame;

	*why = (struct berth_why){0};
	enum berth_err err = berth_dpp_frame_parse(body, &frame, why);
	return err ? err
		   : berth_dpp_reconfig_respond(&w->conf[0], start, &frame, &w->enrollee, why);
}

static void
say_response(struct world *w)
{
	struct berth_dpp_reconfig_event event;
	struct berth_ec_point product;

	say_request(w);
	assert_int_equal(take_request(w, berth_buf_view(&w->request), &w->why), BERTH_OK);
	assert_true(berth_dpp_reconfig_event(w->enrollee, &event));
	assert_int_equal(
		berth_ec_multiply(pki, &w->net_access.scalar, &event.point, &product, NULL),
		BERTH_OK);
	assert_int_equal(berth_dpp_reconfig_product(w->enrollee, BERTH_OK, &product, &w->why),
			 BERTH_OK);
	keep(w->enrollee, &w->response);
}

static enum berth_err
feed(struct berth_dpp_reconfig *to, struct berth_bytes body, struct berth_why *why,
     struct berth_dpp_reconfig_event *event, bool *has_event)
{
	struct berth_dpp_frame frame;

	*why = (struct berth_why){0};
	enum berth_err err = berth_dpp_frame_parse(body, &frame, why);
	err = err ? err : berth_dpp_reconfig_input(to, start, &frame, why);
	*has_event = berth_dpp_reconfig_event(to, event);
	return err;
}

static void
say_confirm(struct world *w)
{
	struct berth_dpp_reconfig_event event;
	bool has_event = false;

	say_response(w);
	assert_int_equal(
		feed(w->configurator, berth_buf_view(&w->response), &w->why, &event, &has_event),
		BERTH_OK);
	assert_int_equal(event.kind, BERTH_DPP_RECONFIG_KNOWN);
	assert_int_equal(berth_dpp_reconfig_allow(w->configurator, true, &w->why), BERTH_OK);
	keep(w->configurator, &w->confirm);
}

/* The nonces and keys come from seeds, so the ke of another world just like it is this one's. */
static void
foresee(struct berth_secret *ke)
{
	struct world twin = {0};
	struct berth_dpp_secrets secrets;

	prepare(&twin);
	say_confirm(&twin);
	berth_dpp_reconfig_take(twin.configurator, &secrets);
	*ke = secrets.ke;
	secrets.ke = (struct berth_secret){0};
	berth_dpp_secrets_free(&secrets);
	finish(&twin);
}

static void
assert_rule(const struct dpp_bad *row, enum berth_err err, const struct berth_why *why)
{
	if (err == BERTH_OK || why->rule == NULL || strcmp(why->rule, row->rule) != 0)
		fail_msg("%s: %s, not %s", row->name, why->rule == NULL ? "taken" : why->rule,
			 row->rule);
}

static const struct dpp_bad announcements[] = {
	BAD("no hash of the C-sign key", CLEAR, DROPPED, C_SIGN_KEY_HASH, "dpp-attribute-missing"),
	BAD("a short hash", CLEAR, SHORTER, C_SIGN_KEY_HASH, "dpp-attribute-length"),
	BAD("another network's hash", CLEAR, FLIPPED, C_SIGN_KEY_HASH, "dpp-foreign-c-sign"),
	BAD("no curve", CLEAR, DROPPED, GROUP, "dpp-attribute-missing"),
	BAD("a curve of one octet", CLEAR, SHORTER, GROUP, "dpp-attribute-length"),
	BAD_AS("a curve that DPP does not have", CLEAR, SET, GROUP, "\x01\x00", "dpp-group"),
	BAD("no A-NONCE", CLEAR, DROPPED, A_NONCE, "dpp-attribute-missing"),
	BAD("an A-NONCE on no curve", CLEAR, FLIPPED, A_NONCE, "ec-point"),
	BAD("a short A-NONCE", CLEAR, SHORTER, A_NONCE, "dpp-attribute-length"),
	BAD("no E'-id", CLEAR, DROPPED, E_ID, "dpp-attribute-missing"),
	BAD("an E'-id on no curve", CLEAR, FLIPPED, E_ID, "ec-point"),
	BAD("an announcement that is cut off", AROUND, CUT, WRAPPED_DATA, "dpp-attributes"),
};

static void
each_bad_announcement_is_refused_for_its_own_reason(void **state)
{
	static const struct dpp_seal open = {NULL, NULL, false, false};

	(void)state;
	for (size_t i = 0; i < sizeof(announcements) / sizeof(announcements[0]); i++) {
		struct world w = {0};
		struct berth_why why;
		BERTH_BUF bad = {0};
		prepare(&w);
		announce(&w);
		dpp_forge(pki, berth_buf_view(&w.announcement), &open, &announcements[i].edit,
			  &bad);
		assert_rule(&announcements[i], hear(&w, berth_buf_view(&bad), &why), &why);
		assert_null(w.configurator);
		assert_int_equal(hear(&w, berth_buf_view(&w.announcement), &why), BERTH_OK);
		finish(&w);
	}
}

static const struct dpp_bad requests[] = {
	BAD("no transaction", CLEAR, DROPPED, TRANSACTION_ID, "dpp-attribute-missing"),
	BAD("a transaction of two octets", CLEAR, LONGER, TRANSACTION_ID, "dpp-attribute-length"),
	BAD("no version", CLEAR, DROPPED, VERSION, "dpp-attribute-missing"),
	BAD_AS("version 1", CLEAR, SET, VERSION, "\x01", "dpp-version"),
	BAD("no Connector", CLEAR, DROPPED, CONNECTOR, "dpp-attribute-missing"),
	BAD("a Connector that is cut off", CLEAR, SHORTER, CONNECTOR, "base64-syntax"),
	BAD_AS("a Connector that is none", CLEAR, SET, CONNECTOR, "MTIz", "json-syntax"),
	BAD("no C-nonce", CLEAR, DROPPED, C_NONCE, "dpp-attribute-missing"),
	BAD("a short C-nonce", CLEAR, SHORTER, C_NONCE, "dpp-attribute-length"),
	BAD("a request that is cut off", AROUND, CUT, WRAPPED_DATA, "dpp-attributes"),
};

static void
each_bad_request_is_refused_for_its_own_reason(void **state)
{
	static const struct dpp_seal open = {NULL, NULL, false, false};

	(void)state;
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		struct world w = {0};
		struct berth_why why;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_request(&w);
		dpp_forge(pki, berth_buf_view(&w.request), &open, &requests[i].edit, &bad);
		assert_rule(&requests[i], take_request(&w, berth_buf_view(&bad), &why), &why);
		assert_null(w.enrollee);
		assert_int_equal(take_request(&w, berth_buf_view(&w.request), &why), BERTH_OK);
		finish(&w);
	}
}

static const struct dpp_bad responses[] = {
	BAD("something behind the seal", AROUND, BEHIND, WRAPPED_DATA, "dpp-after-wrapped-data"),
	BAD("no transaction", CLEAR, DROPPED, TRANSACTION_ID, "dpp-attribute-missing"),
	BAD("another transaction", CLEAR, FLIPPED, TRANSACTION_ID, "dpp-transaction"),
	BAD("no version", CLEAR, DROPPED, VERSION, "dpp-attribute-missing"),
	BAD_AS("version 1", CLEAR, SET, VERSION, "\x01", "dpp-version"),
	BAD("no Connector", CLEAR, DROPPED, CONNECTOR, "dpp-attribute-missing"),
	BAD("a Connector that is cut off", CLEAR, SHORTER, CONNECTOR, "base64-syntax"),
	BAD("no E-nonce", CLEAR, DROPPED, E_NONCE, "dpp-attribute-missing"),
	BAD("a short E-nonce", CLEAR, SHORTER, E_NONCE, "dpp-attribute-length"),
	BAD("another E-nonce than the key is of", CLEAR, FLIPPED, E_NONCE, "dpp-unwrap"),
	BAD("no protocol key", CLEAR, DROPPED, RESPONDER_PROTOCOL_KEY, "dpp-attribute-missing"),
	BAD("a protocol key on no curve", CLEAR, FLIPPED, RESPONDER_PROTOCOL_KEY, "ec-point"),
	BAD("a short protocol key", CLEAR, SHORTER, RESPONDER_PROTOCOL_KEY, "dpp-attribute-length"),
	BAD("no seal", AROUND, DROPPED, WRAPPED_DATA, "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
	BAD("no C-nonce", INSIDE, DROPPED, C_NONCE, "dpp-attribute-missing"),
	BAD("another's C-nonce", INSIDE, FLIPPED, C_NONCE, "dpp-reconfig-nonce"),
	BAD("a short C-nonce", INSIDE, SHORTER, C_NONCE, "dpp-attribute-length"),
	BAD("no status", INSIDE, DROPPED, CONNECTION_STATUS, "dpp-attribute-missing"),
	BAD("a status that is no JSON", INSIDE, SHORTER, CONNECTION_STATUS, "json-syntax"),
	BAD_AS("a status without a result", INSIDE, SET, CONNECTION_STATUS, "{}",
	       "json-missing-member"),
};

static void
each_bad_response_is_refused_for_its_own_reason(void **state)
{
	BERTH_SECRET ke = {0};

	(void)state;
	foresee(&ke);
	const struct dpp_seal seal = {&ke, NULL, true, true};
	for (size_t i = 0; i < sizeof(responses) / sizeof(responses[0]); i++) {
		struct world w = {0};
		struct berth_why why;
		struct berth_dpp_reconfig_event event;
		bool has_event = false;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_response(&w);
		dpp_forge(pki, berth_buf_view(&w.response), &seal, &responses[i].edit, &bad);
		enum berth_err err =
			feed(w.configurator, berth_buf_view(&bad), &why, &event, &has_event);
		assert_rule(&responses[i], err, &why);
		assert_false(has_event);
		assert_int_equal(
			feed(w.configurator, berth_buf_view(&w.response), &why, &event, &has_event),
			BERTH_OK);
		assert_true(has_event);
		assert_int_equal(event.kind, BERTH_DPP_RECONFIG_KNOWN);
		finish(&w);
	}
}

static const struct dpp_bad confirms[] = {
	BAD("something behind the seal", AROUND, BEHIND, WRAPPED_DATA, "dpp-after-wrapped-data"),
	BAD("no status", CLEAR, DROPPED, STATUS, "dpp-attribute-missing"),
	BAD("a status of two octets", CLEAR, LONGER, STATUS, "dpp-attribute-length"),
	BAD("no seal", AROUND, DROPPED, WRAPPED_DATA, "dpp-attribute-missing"),
	BAD("an altered seal", AROUND, FLIPPED, WRAPPED_DATA, "dpp-unwrap"),
	BAD("no transaction", INSIDE, DROPPED, TRANSACTION_ID, "dpp-attribute-missing"),
	BAD("another transaction", INSIDE, FLIPPED, TRANSACTION_ID, "dpp-transaction"),
	BAD("no version", INSIDE, DROPPED, VERSION, "dpp-attribute-missing"),
	BAD("another version than the device said", INSIDE, FLIPPED, VERSION, "dpp-transaction"),
	BAD("no C-nonce", INSIDE, DROPPED, C_NONCE, "dpp-attribute-missing"),
	BAD("another's C-nonce", INSIDE, FLIPPED, C_NONCE, "dpp-reconfig-nonce"),
	BAD("no E-nonce", INSIDE, DROPPED, E_NONCE, "dpp-attribute-missing"),
	BAD("another's E-nonce", INSIDE, FLIPPED, E_NONCE, "dpp-reconfig-nonce"),
	BAD("no flags", INSIDE, DROPPED, RECONFIG_FLAGS, "dpp-attribute-missing"),
	BAD("flags of two octets", INSIDE, LONGER, RECONFIG_FLAGS, "dpp-attribute-length"),
};

static void
each_bad_confirm_is_refused_for_its_own_reason(void **state)
{
	BERTH_SECRET ke = {0};

	(void)state;
	foresee(&ke);
	const struct dpp_seal seal = {&ke, NULL, true, true};
	for (size_t i = 0; i < sizeof(confirms) / sizeof(confirms[0]); i++) {
		struct world w = {0};
		struct berth_why why;
		struct berth_dpp_reconfig_event event;
		bool has_event = false;
		BERTH_BUF bad = {0};
		prepare(&w);
		say_confirm(&w);
		dpp_forge(pki, berth_buf_view(&w.confirm), &seal, &confirms[i].edit, &bad);
		enum berth_err err =
			feed(w.enrollee, berth_buf_view(&bad), &why, &event, &has_event);
		assert_rule(&confirms[i], err, &why);
		assert_false(has_event);
		assert_int_equal(
			feed(w.enrollee, berth_buf_view(&w.confirm), &why, &event, &has_event),
			BERTH_OK);
		assert_int_equal(event.kind, BERTH_DPP_RECONFIG_DONE);
		finish(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_bad_announcement_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_request_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_response_is_refused_for_its_own_reason),
		cmocka_unit_test(each_bad_confirm_is_refused_for_its_own_reason),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
