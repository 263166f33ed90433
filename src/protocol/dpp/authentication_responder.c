/* SPDX-License-Identifier: BSD-2-Clause */
/* The responder of DPP Authentication. */
#include "protocol/dpp/authentication_internal.h"

/* What a request says in the clear; no private key is used for it. */
static enum berth_err
read_request(struct berth_dpp_auth *auth, const struct berth_dpp_frame *request,
	     struct berth_why *why)
{
	enum berth_ec_curve curve = auth->conf.own.point.curve;
	size_t n = 2U * berth_ec_facts(curve)->coordinate_bytes;
	struct berth_bytes hash = BERTH_BYTES_NONE;
	struct berth_bytes xy = BERTH_BYTES_NONE;
	struct berth_bytes version = BERTH_BYTES_NONE;

	enum berth_err err =
		berth_dpp_attribute_get(request->attributes, BERTH_DPP_RESPONDER_KEY_HASH,
					BERTH_DPP_KEY_HASH_BYTES, &hash, why);
	if (!err && memcmp(hash.p, auth->conf.own.hash, hash.n) != 0)
		err = berth_fail(why, BERTH_E_NOT_FOUND, "dpp-responder-hash", "DPP 6.2.2",
				 "The request is for another bootstrapping key than ours.");
	err = err ? err
		  : berth_dpp_attribute_get(request->attributes, BERTH_DPP_INITIATOR_KEY_HASH,
					    BERTH_DPP_KEY_HASH_BYTES, &hash, why);
	if (err)
		return err;
	memcpy(auth->peer_hash, hash.p, hash.n);
	if (berth_dpp_attribute_find(request->attributes, BERTH_DPP_VERSION, &version)) {
		if (version.n != 1 || version.p[0] == 0)
			return berth_fail(why, BERTH_E_SYNTAX, "dpp-version", "DPP 8.1.1.19",
					  "The protocol version of the request is none.");
		auth->peer_version = version.p[0];
	}
	err = berth_dpp_attribute_get(request->attributes, BERTH_DPP_INITIATOR_PROTOCOL_KEY, n, &xy,
				      why);
	return err ? err : berth_ec_point(auth->conf.pki, curve, xy, &auth->exchange.pi, why);
}

enum berth_err
berth_dpp_auth_respond(const struct berth_dpp_auth_conf *conf, struct berth_mono now,
		       const struct berth_dpp_frame *request, struct berth_dpp_auth **ret,
		       struct berth_why *why)
{
	struct berth_dpp_auth *auth = NULL;

	if (request->kind != BERTH_DPP_FRAME_ACTION ||
	    request->type != BERTH_DPP_AUTHENTICATION_REQUEST)
		return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", "DPP 6.2",
				  "An authentication begins with its request.");
	enum berth_err err = berth_dpp_auth_new(conf, now, &auth, why);
	if (err)
		return err;
	err = read_request(auth, request, why);
	if (!err && (berth_dpp_auth_hold(auth, request) ||
		     berth_sha256(conf->pki, request->attributes, auth->answered)))
		err = berth_dpp_auth_cannot(why, BERTH_E_MEMORY);
	if (err) {
		berth_dpp_auth_end(auth);
		return err;
	}
	auth->exchange.br = conf->own.point;
	auth->m.curve = conf->own.point.curve;
	berth_dpp_auth_ask(auth, R_WAITS_FOR_M, &auth->exchange.pi);
	*ret = auth;
	return BERTH_OK;
}

/* Status other than OK, under k1: not compatible, or to be waited for. */
static enum berth_err
send_error(struct berth_dpp_auth *auth, enum berth_dpp_status status, struct berth_why *why)
{
	BERTH_BUF clear = {0};
	BERTH_BUF plain = {0};
	size_t nonce = berth_dpp_nonce_bytes(auth->m.curve);

	enum berth_err err = berth_dpp_auth_put_status(auth, status, false, &clear);
	if (!err && auth->peer_version > 1 && auth->conf.version > 1)
		err = berth_dpp_put_u8(&clear, BERTH_DPP_VERSION, auth->conf.version);
	err = err ? err
		  : berth_dpp_put(&plain, BERTH_DPP_I_NONCE,
				  berth_bytes_of(auth->exchange.i_nonce, nonce));
	err = err ? err
		  : berth_dpp_put_u8(&plain, BERTH_DPP_R_CAPABILITIES, (uint8_t)auth->conf.roles);
	if (err)
		return berth_dpp_auth_cannot(why, err);
	return berth_dpp_auth_send(auth, BERTH_DPP_AUTHENTICATION_RESPONSE, &clear, &auth->k1,
				   &plain, why);
}

/* The tag in the response's Wrapped Data, which has Wrapped Data of its own, without associated data. */
static enum berth_err
put_secrets(struct berth_dpp_auth *auth, struct berth_buf *plain, struct berth_why *why)
{
	static const struct berth_dpp_associated none = {0};
	const struct berth_dpp_exchange *e = &auth->exchange;
	BERTH_BUF tag = {0};
	uint8_t r_auth[BERTH_EC_HASH_MAX];
	size_t nonce = berth_dpp_nonce_bytes(auth->m.curve);
	size_t n = berth_ec_facts(auth->m.curve)->hash_bytes;
	uint8_t role = (uint8_t)auth->secrets.role;

	enum berth_err err =
		berth_dpp_put(plain, BERTH_DPP_R_NONCE, berth_bytes_of(e->r_nonce, nonce));
	err = err ? err
		  : berth_dpp_put(plain, BERTH_DPP_I_NONCE, berth_bytes_of(e->i_nonce, nonce));
	err = err ? err : berth_dpp_put_u8(plain, BERTH_DPP_R_CAPABILITIES, role);
	err = err ? err : berth_dpp_r_auth(auth->conf.pki, e, r_auth);
	err = err ? err : berth_dpp_put(&tag, BERTH_DPP_R_AUTH, berth_bytes_of(r_auth, n));
	if (err)
		return berth_dpp_auth_cannot(why, err);
	return berth_dpp_wrap(auth->conf.pki, &auth->secrets.ke, &none, berth_buf_view(&tag), plain,
			      why);
}

static enum berth_err
send_response(struct berth_dpp_auth *auth, const struct berth_ec_point *l, struct berth_why *why)
{
	BERTH_BUF clear = {0};
	BERTH_BUF plain = {0};
	enum berth_err err = berth_dpp_auth_derive(auth, l, why);

	err = err ? err : put_secrets(auth, &plain, why);
	if (err)
		return err;
	err = berth_dpp_auth_put_status(auth, BERTH_DPP_OK, auth->exchange.is_mutual, &clear);
	err = err ? err
		  : berth_dpp_put(&clear, BERTH_DPP_RESPONDER_PROTOCOL_KEY,
				  berth_ec_xy(&auth->exchange.pr));
	if (!err && auth->peer_version > 1 && auth->conf.version > 1)
		err = berth_dpp_put_u8(&clear, BERTH_DPP_VERSION, auth->conf.version);
	if (err)
		return berth_dpp_auth_cannot(why, err);
	err = berth_dpp_auth_send(auth, BERTH_DPP_AUTHENTICATION_RESPONSE, &clear, &auth->k2,
				  &plain, why);
	if (!err)
		auth->state = R_WAITS_FOR_CONFIRM;
	return err;
}

/* Our protocol key, N and k2. */
static enum berth_err
make_keys(struct berth_dpp_auth *auth, struct berth_why *why)
{
	struct berth_pki *pki = auth->conf.pki;
	struct berth_dpp_exchange *e = &auth->exchange;

	berth_secret_free(&auth->secrets.scalar);
	berth_secret_free(&auth->k2);
	enum berth_err err = berth_ec_generate(pki, auth->m.curve, &auth->conf.random,
					       &auth->secrets.scalar, &e->pr, why);
	if (err)
		return err;
	berth_random_fill(&auth->conf.random, e->r_nonce, berth_dpp_nonce_bytes(auth->m.curve));
	err = berth_ec_multiply(pki, &auth->secrets.scalar, &e->pi, &auth->n, why);
	if (err)
		return err;
	err = berth_dpp_k2(pki, &auth->n, &auth->k2);
	return err ? berth_dpp_auth_cannot(why, err) : BERTH_OK;
}

enum berth_err
berth_dpp_responder_go_on(struct berth_dpp_auth *auth, struct berth_mono now, struct berth_why *why)
{
	const struct berth_dpp_auth_conf *conf = &auth->conf;
	bool knows_peer = conf->has_peer &&
			  memcmp(conf->peer.hash, auth->peer_hash, sizeof(auth->peer_hash)) == 0 &&
			  conf->peer.point.curve == auth->m.curve;

	if (conf->requires_mutual && !knows_peer) {
		auth->state = R_WAITS_FOR_PEER;
		auth->deadline = berth_mono_after_ms(now, BERTH_DPP_AUTH_PENDING_MS);
		berth_dpp_auth_raise(auth, BERTH_DPP_AUTH_PEER_WANTED);
		auth->event.hash = berth_bytes_of(auth->peer_hash, sizeof(auth->peer_hash));
		return send_error(auth, BERTH_DPP_RESPONSE_PENDING, why);
	}
	enum berth_err err = make_keys(auth, why);
	if (err)
		return err;
	auth->exchange.is_mutual = knows_peer;
	if (!knows_peer)
		return send_response(auth, NULL, why);
	auth->exchange.bi = conf->peer.point;
	berth_dpp_auth_ask(auth, R_WAITS_FOR_L, &conf->peer.point);
	return BERTH_OK;
}

/* DPP 6.2.2: what the other may be decides what we are; where both are possible, we let ourselves be configured. */
static enum berth_err
choose_role(struct berth_dpp_auth *auth, bool *is_refused, struct berth_why *why)
{
	enum berth_dpp_role roles = auth->conf.roles;
	struct berth_why failed = {0};

	if ((auth->i_capabilities & BERTH_DPP_CONFIGURATOR) != 0 &&
	    (roles & BERTH_DPP_ENROLLEE) != 0) {
		auth->secrets.role = BERTH_DPP_ENROLLEE;
		return BERTH_OK;
	}
	if ((auth->i_capabilities & BERTH_DPP_ENROLLEE) != 0 &&
	    (roles & BERTH_DPP_CONFIGURATOR) != 0) {
		auth->secrets.role = BERTH_DPP_CONFIGURATOR;
		return BERTH_OK;
	}
	*is_refused = true;
	enum berth_err err = send_error(auth, BERTH_DPP_NOT_COMPATIBLE, why);
	if (err)
		return err;
	berth_why_fill(&failed, BERTH_E_MISMATCH, "dpp-i-capabilities", "DPP 6.2.2", 0,
		       "The other side's role (0x%02x) does not complete ours.",
		       auth->i_capabilities);
	return berth_dpp_auth_give_up(auth, &failed);
}

/* The request's Wrapped Data, now that k1 is known. */
static enum berth_err
open_request(struct berth_dpp_auth *auth, struct berth_why *why)
{
	struct berth_dpp_frame request = berth_dpp_auth_held(auth);
	struct berth_dpp_associated associated = berth_dpp_associated_of(
		request.header, berth_dpp_attributes_before_wrapped(request.attributes));
	size_t nonce = berth_dpp_nonce_bytes(auth->m.curve);
	struct berth_bytes i_nonce = BERTH_BYTES_NONE;
	BERTH_BUF plain = {0};

	enum berth_err err = berth_dpp_unwrap(auth->conf.pki, &auth->k1, &associated,
					      request.attributes, &plain, why);
	err = err ? err
		  : berth_dpp_attribute_get(berth_buf_view(&plain), BERTH_DPP_I_NONCE, nonce,
					    &i_nonce, why);
	err = err ? err
		  : berth_dpp_attribute_get_u8(berth_buf_view(&plain), BERTH_DPP_I_CAPABILITIES,
					       &auth->i_capabilities, why);
	if (!err && (auth->i_capabilities & BERTH_DPP_EITHER) == 0)
		err = berth_fail(why, BERTH_E_SYNTAX, "dpp-i-capabilities", "DPP 8.1.1.7",
				 "The other side offers no role at all.");
	if (!err)
		memcpy(auth->exchange.i_nonce, i_nonce.p, nonce);
	return err;
}

static enum berth_err
answer_m(struct berth_dpp_auth *auth, struct berth_mono now, struct berth_why *why)
{
	struct berth_why failed = {0};
	bool is_refused = false;
	enum berth_err err = berth_dpp_k1(auth->conf.pki, &auth->m, &auth->k1);

	if (err)
		return berth_dpp_auth_cannot(why, err);
	/* nobody who knows our public key sent it: there is nobody to answer */
	err = open_request(auth, &failed);
	if (err)
		return berth_dpp_auth_give_up(auth, &failed);
	err = choose_role(auth, &is_refused, why);
	return err || is_refused ? err : berth_dpp_responder_go_on(auth, now, why);
}

enum berth_err
berth_dpp_responder_answer(struct berth_dpp_auth *auth, struct berth_mono now,
			   const struct berth_ec_point *product, struct berth_why *why)
{
	struct berth_ec_point rest, l;

	if (auth->state == R_WAITS_FOR_M) {
		auth->m = *product;
		return answer_m(auth, now, why);
	}
	/* L = (bR + pR) BI, of which the key's keeper has given the first part */
	enum berth_err err = berth_ec_multiply(auth->conf.pki, &auth->secrets.scalar,
					       &auth->exchange.bi, &rest, why);
	err = err ? err : berth_ec_add(auth->conf.pki, product, &rest, &l, why);
	return err ? err : send_response(auth, &l, why);
}

static enum berth_err
take_refusal(struct berth_dpp_auth *auth, const struct berth_dpp_frame *confirm, uint8_t status,
	     const struct berth_dpp_associated *associated, struct berth_why *why)
{
	BERTH_BUF plain = {0};
	struct berth_bytes r_nonce = BERTH_BYTES_NONE;
	size_t nonce = berth_dpp_nonce_bytes(auth->m.curve);
	struct berth_why failed = {0};

	enum berth_err err = berth_dpp_unwrap(auth->conf.pki, &auth->k2, associated,
					      confirm->attributes, &plain, why);
	err = err ? err
		  : berth_dpp_attribute_get(berth_buf_view(&plain), BERTH_DPP_R_NONCE, nonce,
					    &r_nonce, why);
	if (err)
		return err;
	if (memcmp(r_nonce.p, auth->exchange.r_nonce, nonce) != 0)
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-r-nonce", "DPP 6.2.4",
				  "The confirm holds another responder's nonce than ours.");
	berth_why_fill(&failed, BERTH_E_DENIED, "dpp-confirm-status", "DPP 6.2.4", 0,
		       "The other side breaks the authentication off: %s.",
		       berth_dpp_status_name(status));
	return berth_dpp_auth_give_up(auth, &failed);
}

static enum berth_err
judge_hashes(struct berth_dpp_auth *auth, const struct berth_dpp_frame *confirm,
	     struct berth_why *why)
{
	struct berth_bytes hash = BERTH_BYTES_NONE;
	enum berth_err err =
		berth_dpp_attribute_get(confirm->attributes, BERTH_DPP_RESPONDER_KEY_HASH,
					BERTH_DPP_KEY_HASH_BYTES, &hash, why);

	if (!err && memcmp(hash.p, auth->conf.own.hash, hash.n) != 0)
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-responder-hash", "DPP 6.2.4",
				 "The confirm is for another bootstrapping key than ours.");
	if (err)
		return err;
	bool has_peer =
		berth_dpp_attribute_find(confirm->attributes, BERTH_DPP_INITIATOR_KEY_HASH, &hash);
	if (has_peer != auth->exchange.is_mutual ||
	    (has_peer &&
	     (hash.n != sizeof(auth->peer_hash) || memcmp(hash.p, auth->peer_hash, hash.n) != 0)))
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-initiator-hash", "DPP 6.2.4",
				  "The confirm does not name the initiator's bootstrapping key as "
				  "the response did.");
	return BERTH_OK;
}

enum berth_err
berth_dpp_responder_input(struct berth_dpp_auth *auth, const struct berth_dpp_frame *confirm,
			  struct berth_why *why)
{
	struct berth_dpp_associated associated = berth_dpp_associated_of(
		confirm->header, berth_dpp_attributes_before_wrapped(confirm->attributes));
	size_t n = berth_ec_facts(auth->m.curve)->hash_bytes;
	struct berth_bytes tag = BERTH_BYTES_NONE;
	uint8_t expected[BERTH_EC_HASH_MAX];
	BERTH_BUF plain = {0};
	uint8_t status = 0;

	enum berth_err err =
		berth_dpp_attribute_get_u8(confirm->attributes, BERTH_DPP_STATUS, &status, why);
	err = err ? err : judge_hashes(auth, confirm, why);
	if (err)
		return err;
	if (status != BERTH_DPP_OK)
		return take_refusal(auth, confirm, status, &associated, why);
	err = berth_dpp_unwrap(auth->conf.pki, &auth->secrets.ke, &associated, confirm->attributes,
			       &plain, why);
	err = err ? err
		  : berth_dpp_attribute_get(berth_buf_view(&plain), BERTH_DPP_I_AUTH, n, &tag, why);
	if (err)
		return err;
	err = berth_dpp_i_auth(auth->conf.pki, &auth->exchange, expected);
	if (err)
		return berth_dpp_auth_cannot(why, err);
	if (!berth_bytes_equal_secretly(tag, berth_bytes_of(expected, n)))
		return berth_fail(why, BERTH_E_SIGNATURE, "dpp-i-auth", "DPP 6.2.4",
				  "The initiator does not prove its keys: its tag I-auth does not "
				  "hold.");
	/* nothing of ours answers a confirm, so nothing is sent when it comes again */
	berth_buf_clear(&auth->output);
	return berth_dpp_auth_done(auth);
}
