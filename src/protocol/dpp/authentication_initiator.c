/* SPDX-License-Identifier: BSD-2-Clause */
/* The initiator of DPP Authentication. */
#include "protocol/dpp/authentication_internal.h"

static enum berth_err
put_request(struct berth_dpp_auth *auth, struct berth_buf *clear)
{
	const struct berth_dpp_auth_conf *conf = &auth->conf;
	const uint8_t channel[2] = {conf->channel_class, conf->channel};

	enum berth_err err =
		berth_dpp_put(clear, BERTH_DPP_RESPONDER_KEY_HASH,
			      berth_bytes_of(conf->peer.hash, sizeof(conf->peer.hash)));
	err = err ? err
		  : berth_dpp_put(clear, BERTH_DPP_INITIATOR_KEY_HASH,
				  berth_bytes_of(conf->own.hash, sizeof(conf->own.hash)));
	err = err ? err
		  : berth_dpp_put(clear, BERTH_DPP_INITIATOR_PROTOCOL_KEY,
				  berth_ec_xy(&auth->exchange.pi));
	if (!err && conf->channel_class != 0)
		err = berth_dpp_put(clear, BERTH_DPP_CHANNEL,
				    berth_bytes_of(channel, sizeof(channel)));
	if (!err && conf->version > 1)
		err = berth_dpp_put_u8(clear, BERTH_DPP_VERSION, conf->version);
	return err;
}

static enum berth_err
send_request(struct berth_dpp_auth *auth, struct berth_why *why)
{
	BERTH_BUF clear = {0};
	BERTH_BUF plain = {0};
	size_t nonce = berth_dpp_nonce_bytes(auth->m.curve);

	enum berth_err err = put_request(auth, &clear);
	err = err ? err
		  : berth_dpp_put(&plain, BERTH_DPP_I_NONCE,
				  berth_bytes_of(auth->exchange.i_nonce, nonce));
	err = err ? err
		  : berth_dpp_put_u8(&plain, BERTH_DPP_I_CAPABILITIES, (uint8_t)auth->conf.roles);
	if (err)
		return berth_dpp_auth_cannot(why, err);
	return berth_dpp_auth_send(auth, BERTH_DPP_AUTHENTICATION_REQUEST, &clear, &auth->k1,
				   &plain, why);
}

static enum berth_err
begin(struct berth_dpp_auth *auth, struct berth_why *why)
{
	struct berth_dpp_exchange *e = &auth->exchange;
	const struct berth_ec_point *br = &auth->conf.peer.point;
	struct berth_pki *pki = auth->conf.pki;

	e->br = *br;
	e->bi = auth->conf.own.point;
	enum berth_err err = berth_ec_generate(pki, br->curve, &auth->conf.random,
					       &auth->secrets.scalar, &e->pi, why);
	if (err)
		return err;
	berth_random_fill(&auth->conf.random, e->i_nonce, berth_dpp_nonce_bytes(br->curve));
	err = berth_ec_multiply(pki, &auth->secrets.scalar, br, &auth->m, why);
	if (err)
		return err;
	err = berth_dpp_k1(pki, &auth->m, &auth->k1);
	return err ? berth_dpp_auth_cannot(why, err) : send_request(auth, why);
}

enum berth_err
berth_dpp_auth_initiate(const struct berth_dpp_auth_conf *conf, struct berth_mono now,
			struct berth_dpp_auth **ret, struct berth_why *why)
{
	struct berth_dpp_auth *auth = NULL;

	if (!conf->has_peer || conf->own.point.curve != conf->peer.point.curve)
		return berth_fail(why, BERTH_E_USAGE, "dpp-curve", "DPP 6.2.1",
				  "Our bootstrapping key must be on the curve of the other's.");
	enum berth_err err = berth_dpp_auth_new(conf, now, &auth, why);
	if (err)
		return err;
	auth->state = I_WAITS_FOR_RESPONSE;
	if (conf->resend_ms > 0)
		auth->resend_at = berth_mono_after_ms(now, conf->resend_ms);
	err = begin(auth, why);
	if (err) {
		berth_dpp_auth_end(auth);
		return err;
	}
	*ret = auth;
	return BERTH_OK;
}

/* Confirm that it failed: under k2, since there is no ke that the other would believe. */
static enum berth_err
refuse(struct berth_dpp_auth *auth, enum berth_dpp_status status, const struct berth_why *reason,
       struct berth_why *why)
{
	BERTH_BUF clear = {0};
	BERTH_BUF plain = {0};
	size_t nonce = berth_dpp_nonce_bytes(auth->m.curve);

	enum berth_err err =
		berth_dpp_auth_put_status(auth, status, auth->exchange.is_mutual, &clear);
	err = err ? err
		  : berth_dpp_put(&plain, BERTH_DPP_R_NONCE,
				  berth_bytes_of(auth->exchange.r_nonce, nonce));
	if (err)
		return berth_dpp_auth_cannot(why, err);
	err = berth_dpp_auth_send(auth, BERTH_DPP_AUTHENTICATION_CONFIRM, &clear, &auth->k2, &plain,
				  why);
	return err ? err : berth_dpp_auth_give_up(auth, reason);
}

static enum berth_err
confirm(struct berth_dpp_auth *auth, struct berth_why *why)
{
	BERTH_BUF clear = {0};
	BERTH_BUF plain = {0};
	uint8_t tag[BERTH_EC_HASH_MAX];
	size_t n = berth_ec_facts(auth->m.curve)->hash_bytes;

	enum berth_err err =
		berth_dpp_auth_put_status(auth, BERTH_DPP_OK, auth->exchange.is_mutual, &clear);
	err = err ? err : berth_dpp_i_auth(auth->conf.pki, &auth->exchange, tag);
	err = err ? err : berth_dpp_put(&plain, BERTH_DPP_I_AUTH, berth_bytes_of(tag, n));
	if (err)
		return berth_dpp_auth_cannot(why, err);
	err = berth_dpp_auth_send(auth, BERTH_DPP_AUTHENTICATION_CONFIRM, &clear, &auth->secrets.ke,
				  &plain, why);
	return err ? err : berth_dpp_auth_done(auth);
}

/* What the response says under a key: its nonce, ours again, its role; all but the tag. */
static enum berth_err
open_response(struct berth_dpp_auth *auth, const struct berth_dpp_frame *response,
	      const struct berth_secret *key, struct berth_buf *plain, struct berth_why *why)
{
	struct berth_bytes i_nonce = BERTH_BYTES_NONE;
	size_t nonce = berth_dpp_nonce_bytes(auth->m.curve);
	struct berth_dpp_associated associated = berth_dpp_associated_of(
		response->header, berth_dpp_attributes_before_wrapped(response->attributes));

	enum berth_err err = berth_dpp_unwrap(auth->conf.pki, key, &associated,
					      response->attributes, plain, why);
	err = err ? err
		  : berth_dpp_attribute_get(berth_buf_view(plain), BERTH_DPP_I_NONCE, nonce,
					    &i_nonce, why);
	if (!err && memcmp(i_nonce.p, auth->exchange.i_nonce, nonce) != 0)
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-i-nonce", "DPP 6.2.3",
				 "The response holds another initiator's nonce than ours.");
	return err;
}

static enum berth_err
take_error(struct berth_dpp_auth *auth, const struct berth_dpp_frame *response, uint8_t status,
	   struct berth_mono now, struct berth_why *why)
{
	BERTH_BUF plain = {0};
	struct berth_why failed = {0};
	enum berth_err err = open_response(auth, response, &auth->k1, &plain, why);

	if (err)
		return err;
	/* anybody can repeat it: the wait is lengthened once */
	if (status == BERTH_DPP_RESPONSE_PENDING && auth->was_pending)
		return BERTH_OK;
	if (status == BERTH_DPP_RESPONSE_PENDING) {
		auth->was_pending = true;
		auth->resend_at = BERTH_MONO_NEVER;
		auth->deadline = berth_mono_after_ms(now, BERTH_DPP_AUTH_PENDING_MS);
		berth_dpp_auth_raise(auth, BERTH_DPP_AUTH_PENDING);
		return BERTH_OK;
	}
	berth_why_fill(&failed, BERTH_E_DENIED, "dpp-response-status", "DPP 6.2.3", 0,
		       "The other side refuses the authentication: %s.",
		       berth_dpp_status_name(status));
	return berth_dpp_auth_give_up(auth, &failed);
}

/* Under ke, so the last of all. */
static enum berth_err
judge_tag(struct berth_dpp_auth *auth, struct berth_bytes plain, struct berth_why *why)
{
	static const struct berth_dpp_associated none = {0};
	BERTH_BUF inner = {0};
	struct berth_bytes tag = BERTH_BYTES_NONE;
	uint8_t expected[BERTH_EC_HASH_MAX];
	size_t n = berth_ec_facts(auth->m.curve)->hash_bytes;
	struct berth_why failed = {0};

	enum berth_err err = berth_dpp_r_auth(auth->conf.pki, &auth->exchange, expected);
	if (err)
		return berth_dpp_auth_cannot(why, err);
	err = berth_dpp_unwrap(auth->conf.pki, &auth->secrets.ke, &none, plain, &inner, &failed);
	err = err ? err
		  : berth_dpp_attribute_get(berth_buf_view(&inner), BERTH_DPP_R_AUTH, n, &tag,
					    &failed);
	if (!err && berth_bytes_equal_secretly(tag, berth_bytes_of(expected, n)))
		return confirm(auth, why);
	berth_why_fill(&failed, BERTH_E_SIGNATURE, "dpp-r-auth", "DPP 6.2.4", 0,
		       "The responder does not prove that it has the bootstrapping key: its tag "
		       "R-auth does not hold.");
	return refuse(auth, BERTH_DPP_AUTH_FAILURE, &failed, why);
}

static enum berth_err
judge_role(struct berth_dpp_auth *auth, struct berth_bytes plain, bool *is_refused,
	   struct berth_why *why)
{
	struct berth_why failed = {0};
	uint8_t role = 0;
	enum berth_err err =
		berth_dpp_attribute_get_u8(plain, BERTH_DPP_R_CAPABILITIES, &role, why);

	if (err)
		return err;
	enum berth_dpp_role ours =
		role == BERTH_DPP_ENROLLEE ? BERTH_DPP_CONFIGURATOR : BERTH_DPP_ENROLLEE;
	if ((role == BERTH_DPP_ENROLLEE || role == BERTH_DPP_CONFIGURATOR) &&
	    (auth->conf.roles & ours) != 0) {
		auth->secrets.role = ours;
		return BERTH_OK;
	}
	*is_refused = true;
	berth_why_fill(&failed, BERTH_E_MISMATCH, "dpp-r-capabilities", "DPP 6.2.3", 0,
		       "The other side's role (0x%02x) does not complete ours.", role);
	return refuse(auth, BERTH_DPP_NOT_COMPATIBLE, &failed, why);
}

/* Keys and version of the response, in the clear. */
static enum berth_err
read_keys(struct berth_dpp_auth *auth, const struct berth_dpp_frame *response,
	  struct berth_why *why)
{
	struct berth_bytes xy = BERTH_BYTES_NONE;
	struct berth_bytes version = BERTH_BYTES_NONE;
	size_t n = 2U * berth_ec_facts(auth->m.curve)->coordinate_bytes;

	enum berth_err err = berth_dpp_attribute_get(response->attributes,
						     BERTH_DPP_RESPONDER_PROTOCOL_KEY, n, &xy, why);
	err = err ? err
		  : berth_ec_point(auth->conf.pki, auth->m.curve, xy, &auth->exchange.pr, why);
	err = err ? err
		  : berth_ec_multiply(auth->conf.pki, &auth->secrets.scalar, &auth->exchange.pr,
				      &auth->n, why);
	if (err)
		return err;
	auth->peer_version = 1;
	if (berth_dpp_attribute_find(response->attributes, BERTH_DPP_VERSION, &version)) {
		if (version.n != 1 || version.p[0] == 0)
			return berth_fail(why, BERTH_E_SYNTAX, "dpp-version", "DPP 8.1.1.19",
					  "The protocol version of the response is none.");
		auth->peer_version = version.p[0];
	}
	berth_secret_free(&auth->k2);
	err = berth_dpp_k2(auth->conf.pki, &auth->n, &auth->k2);
	return err ? berth_dpp_auth_cannot(why, err) : BERTH_OK;
}

static enum berth_err
take_success(struct berth_dpp_auth *auth, const struct berth_dpp_frame *response,
	     struct berth_why *why)
{
	BERTH_BUF plain = {0};
	struct berth_bytes r_nonce = BERTH_BYTES_NONE;
	size_t nonce = berth_dpp_nonce_bytes(auth->m.curve);
	struct berth_ec_point sum;
	struct berth_why failed = {0};
	bool is_refused = false;

	enum berth_err err = read_keys(auth, response, why);
	err = err ? err : open_response(auth, response, &auth->k2, &plain, why);
	err = err ? err
		  : berth_dpp_attribute_get(berth_buf_view(&plain), BERTH_DPP_R_NONCE, nonce,
					    &r_nonce, why);
	if (err)
		return err;
	memcpy(auth->exchange.r_nonce, r_nonce.p, nonce);
	err = judge_role(auth, berth_buf_view(&plain), &is_refused, why);
	if (err || is_refused)
		return err;
	if (auth->conf.requires_mutual && !auth->exchange.is_mutual) {
		berth_why_fill(&failed, BERTH_E_DENIED, "dpp-not-mutual", "DPP 6.2", 0,
			       "The other side authenticates itself alone, and not us too; mutual "
			       "authentication is required.");
		return refuse(auth, BERTH_DPP_AUTH_FAILURE, &failed, why);
	}
	if (!auth->exchange.is_mutual) {
		err = berth_dpp_auth_derive(auth, NULL, why);
		return err ? err : judge_tag(auth, berth_buf_view(&plain), why);
	}
	err = berth_ec_add(auth->conf.pki, &auth->exchange.br, &auth->exchange.pr, &sum, why);
	if (err)
		return err;
	err = berth_dpp_auth_hold(auth, response);
	if (err)
		return berth_dpp_auth_cannot(why, err);
	berth_dpp_auth_ask(auth, I_WAITS_FOR_L, &sum);
	return BERTH_OK;
}

/* Which keys it speaks of; also whether it authenticates us. */
static enum berth_err
judge_hashes(struct berth_dpp_auth *auth, const struct berth_dpp_frame *response,
	     struct berth_why *why)
{
	struct berth_bytes hash = BERTH_BYTES_NONE;
	const struct berth_dpp_auth_conf *conf = &auth->conf;
	enum berth_err err =
		berth_dpp_attribute_get(response->attributes, BERTH_DPP_RESPONDER_KEY_HASH,
					BERTH_DPP_KEY_HASH_BYTES, &hash, why);

	if (!err && memcmp(hash.p, conf->peer.hash, hash.n) != 0)
		err = berth_fail(why, BERTH_E_MISMATCH, "dpp-responder-hash", "DPP 6.2.3",
				 "The response is of another bootstrapping key than the one asked "
				 "for.");
	if (err)
		return err;
	auth->exchange.is_mutual =
		berth_dpp_attribute_find(response->attributes, BERTH_DPP_INITIATOR_KEY_HASH, &hash);
	if (auth->exchange.is_mutual &&
	    (hash.n != sizeof(conf->own.hash) || memcmp(hash.p, conf->own.hash, hash.n) != 0))
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-initiator-hash", "DPP 6.2.3",
				  "The response is for another bootstrapping key than ours.");
	return BERTH_OK;
}

static enum berth_err
remember(struct berth_dpp_auth *auth, const struct berth_dpp_frame *response, struct berth_why *why)
{
	enum berth_err err = berth_sha256(auth->conf.pki, response->attributes, auth->answered);

	return err ? berth_dpp_auth_cannot(why, err) : BERTH_OK;
}

enum berth_err
berth_dpp_initiator_input(struct berth_dpp_auth *auth, const struct berth_dpp_frame *response,
			  struct berth_mono now, struct berth_why *why)
{
	uint8_t status = 0;
	enum berth_err err = judge_hashes(auth, response, why);

	err = err ? err
		  : berth_dpp_attribute_get_u8(response->attributes, BERTH_DPP_STATUS, &status,
					       why);
	if (err)
		return err;
	if (status != BERTH_DPP_OK)
		return take_error(auth, response, status, now, why);
	err = take_success(auth, response, why);
	/* only what was answered is answered again */
	if (!err && (auth->state == IS_DONE || auth->state == IS_FAILED))
		err = remember(auth, response, why);
	return err;
}

enum berth_err
berth_dpp_initiator_answer(struct berth_dpp_auth *auth, const struct berth_ec_point *l,
			   struct berth_why *why)
{
	BERTH_BUF plain = {0};
	struct berth_dpp_frame response = berth_dpp_auth_held(auth);
	enum berth_err err = open_response(auth, &response, &auth->k2, &plain, why);

	err = err ? err : berth_dpp_auth_derive(auth, l, why);
	err = err ? err : judge_tag(auth, berth_buf_view(&plain), why);
	return err ? err : remember(auth, &response, why);
}
