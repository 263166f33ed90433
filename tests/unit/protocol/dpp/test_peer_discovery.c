/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/peer_discovery.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pki/keystore/keystore.h"
#include "protocol/dpp/introduction.h"
#include "support/dpp_fixture.h"
#include "support/dpp_forge.h"

static struct berth_pki *pki;
static const struct berth_wall today = {1800000000};
static const struct dpp_seal open_frame = {NULL, NULL, false, false};

enum { STATION, ACCESS_POINT };

struct world {
	struct dpp_random random;
	struct berth_key *c_sign;
	struct berth_ec_point c_sign_point;
	struct dpp_key key[2];
	struct berth_dpp_connector connector[2];
	struct berth_buf jws[2], request, response;
};

static void
prepare(struct world *w)
{
	w->random.seed = 21;
	assert_int_equal(berth_keystore_ephemeral(pki, "P-256", &w->c_sign, NULL), BERTH_OK);
	assert_int_equal(berth_ec_of_key(pki, w->c_sign, &w->c_sign_point, NULL), BERTH_OK);
	for (int side = 0; side < 2; side++) {
		BERTH_BUF payload = {0};
		dpp_key_make(pki, BERTH_EC_P256, &w->random, &w->key[side]);
		w->connector[side] = (struct berth_dpp_connector){
			.groups = {{"lab", side == STATION ? BERTH_DPP_STA : BERTH_DPP_AP}},
			.group_count = 1,
			.key = w->key[side].bootstrapping.point,
			.expiry = BERTH_WALL_NO_EXPIRY,
			.version = 2,
		};
		assert_int_equal(berth_dpp_connector_write(&w->connector[side], &payload, NULL),
				 BERTH_OK);
		assert_int_equal(berth_dpp_connector_sign(pki, w->c_sign, berth_buf_view(&payload),
							  &w->jws[side], NULL, NULL),
				 BERTH_OK);
	}
	const struct berth_dpp_peer_discovery request = {
		.transaction = 7, .connector = berth_buf_view(&w->jws[STATION]), .version = 2};
	const struct berth_dpp_peer_discovery response = {
		.transaction = 7, .connector = berth_buf_view(&w->jws[ACCESS_POINT]), .version = 2};
	assert_int_equal(berth_dpp_peer_discovery_request(&request, &w->request), BERTH_OK);
	assert_int_equal(berth_dpp_peer_discovery_response(&response, &w->response), BERTH_OK);
}

static void
finish(struct world *w)
{
	for (int side = 0; side < 2; side++) {
		dpp_key_free(&w->key[side]);
		berth_buf_free(&w->jws[side]);
	}
	berth_buf_free(&w->request);
	berth_buf_free(&w->response);
	berth_key_free(w->c_sign);
}

/* One side reads the other's frame, and finds the key. */
static enum berth_err
meet(struct world *w, int side, struct berth_bytes body, struct berth_dpp_introduced *ret,
     enum berth_dpp_status *status, struct berth_why *why)
{
	struct berth_dpp_peer_discovery said;
	struct berth_dpp_frame frame;

	*why = (struct berth_why){0};
	*status = BERTH_DPP_OK;
	enum berth_err err = berth_dpp_frame_parse(body, &frame, why);
	if (!err && side == ACCESS_POINT)
		err = berth_dpp_peer_discovery_parse_request(&frame, &said, why);
	else if (!err)
		err = berth_dpp_peer_discovery_parse_response(&frame, 7, &said, why);
	return err ? err
		   : berth_dpp_introduce(pki, &w->c_sign_point, &w->connector[side],
					 &w->key[side].scalar, said.connector, said.version, today,
					 ret, status, why);
}

static void
two_devices_of_a_network_find_one_key(void **state)
{
	struct world w = {0};
	struct berth_dpp_introduced a = {0}, b = {0};
	enum berth_dpp_status status;
	struct berth_why why;

	(void)state;
	prepare(&w);
	assert_int_equal(meet(&w, ACCESS_POINT, berth_buf_view(&w.request), &a, &status, &why),
			 BERTH_OK);
	assert_int_equal(meet(&w, STATION, berth_buf_view(&w.response), &b, &status, &why),
			 BERTH_OK);
	assert_true(berth_secret_equal(&a.pmk, berth_bytes_of(b.pmk.p, b.pmk.n)));
	assert_memory_equal(a.pmkid, b.pmkid, sizeof(a.pmkid));
	berth_secret_free(&a.pmk);
	berth_secret_free(&b.pmk);
	finish(&w);
}

static const struct dpp_bad requests[] = {
	BAD("no transaction", CLEAR, DROPPED, TRANSACTION_ID, "dpp-attribute-missing"),
	BAD("a transaction of two octets", CLEAR, LONGER, TRANSACTION_ID, "dpp-attribute-length"),
	BAD("no Connector", CLEAR, DROPPED, CONNECTOR, "dpp-attribute-missing"),
	BAD_AS("a Connector that is empty", CLEAR, SET, CONNECTOR, "", "dpp-attribute-length"),
	BAD("a Connector that is altered", CLEAR, FLIPPED, CONNECTOR, "base64-syntax"),
	BAD_AS("a Connector that is none", CLEAR, SET, CONNECTOR, "MTIz", "json-syntax"),
	BAD_AS("version 0", CLEAR, SET, VERSION, "\0", "dpp-version"),
	BAD("a version of two octets", CLEAR, LONGER, VERSION, "dpp-version"),
	BAD("another version than the Connector's", CLEAR, FLIPPED, VERSION, "dpp-version-changed"),
	BAD("no version", CLEAR, DROPPED, VERSION, "dpp-version-changed"),
	BAD("a request that is cut off", AROUND, CUT, WRAPPED_DATA, "dpp-attributes"),
};

static const struct dpp_bad responses[] = {
	BAD("no transaction", CLEAR, DROPPED, TRANSACTION_ID, "dpp-attribute-missing"),
	BAD("another transaction", CLEAR, FLIPPED, TRANSACTION_ID, "dpp-transaction"),
	BAD("no status", CLEAR, DROPPED, STATUS, "dpp-attribute-missing"),
	BAD("a status of two octets", CLEAR, LONGER, STATUS, "dpp-attribute-length"),
	BAD_AS("a status that nobody knows", CLEAR, SET, STATUS, "\xfe", "dpp-connector-size"),
	BAD("no Connector", CLEAR, DROPPED, CONNECTOR, "dpp-attribute-missing"),
	BAD("a Connector that is altered", CLEAR, FLIPPED, CONNECTOR, "base64-syntax"),
	BAD("another version than the Connector's", CLEAR, FLIPPED, VERSION, "dpp-version-changed"),
};

static void
each_bad_frame_is_refused_for_its_own_reason(void **state)
{
	const size_t request_count = sizeof(requests) / sizeof(requests[0]);

	(void)state;
	for (size_t i = 0; i < request_count + sizeof(responses) / sizeof(responses[0]); i++) {
		bool is_request = i < request_count;
		const struct dpp_bad *row =
			is_request ? &requests[i] : &responses[i - request_count];
		int reader = is_request ? ACCESS_POINT : STATION;
		struct world w = {0};
		struct berth_dpp_introduced ret = {0};
		enum berth_dpp_status status;
		struct berth_why why;
		BERTH_BUF bad = {0};
		prepare(&w);
		struct berth_bytes good = berth_buf_view(is_request ? &w.request : &w.response);
		dpp_forge(pki, good, &open_frame, &row->edit, &bad);
		enum berth_err err = meet(&w, reader, berth_buf_view(&bad), &ret, &status, &why);
		if (err == BERTH_OK || strcmp(why.rule, row->rule) != 0)
			fail_msg("%s: %s, not %s", row->name, err ? why.rule : "taken", row->rule);
		assert_null(ret.pmk.p);
		assert_int_equal(meet(&w, reader, good, &ret, &status, &why), BERTH_OK);
		berth_secret_free(&ret.pmk);
		finish(&w);
	}
}

/* A refusal has no Connector, and says why. */
static void
a_refusal_is_told_with_its_status(void **state)
{
	const struct berth_dpp_peer_discovery refusal = {
		.transaction = 7, .status = BERTH_DPP_NO_MATCH, .version = 2};
	struct berth_dpp_peer_discovery said;
	struct berth_dpp_frame frame;
	BERTH_BUF body = {0};

	(void)state;
	assert_int_equal(berth_dpp_peer_discovery_response(&refusal, &body), BERTH_OK);
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(&body), &frame, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_peer_discovery_parse_response(&frame, 7, &said, NULL), BERTH_OK);
	assert_int_equal(said.status, BERTH_DPP_NO_MATCH);
	assert_int_equal(said.connector.n, 0);
	assert_int_equal(berth_dpp_peer_discovery_parse_request(&frame, &said, NULL),
			 BERTH_E_STATE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_devices_of_a_network_find_one_key),
		cmocka_unit_test(each_bad_frame_is_refused_for_its_own_reason),
		cmocka_unit_test(a_refusal_is_told_with_its_status),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
