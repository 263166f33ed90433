/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/authentication.h"

#include <stdlib.h>

#include "protocol/dpp/authentication_internal.h"

void
berth_dpp_secrets_free(struct berth_dpp_secrets *secrets)
{
	berth_secret_free(&secrets->bk);
	berth_secret_free(&secrets->ke);
	berth_secret_free(&secrets->scalar);
	*secrets = (struct berth_dpp_secrets){0};
}

enum berth_err
berth_dpp_auth_cannot(struct berth_why *why, enum berth_err err)
{
	return berth_fail(
		why, err, "dpp-authentication", "DPP 6.2",
		"The authentication cannot go on: no memory, or the cryptographic library "
		"failed.");
}

enum berth_err
berth_dpp_auth_new(const struct berth_dpp_auth_conf *conf, struct berth_mono now,
		   struct berth_dpp_auth **ret, struct berth_why *why)
{
	struct berth_dpp_auth *auth = calloc(1, sizeof(*auth));

	if (auth == NULL)
		return berth_dpp_auth_cannot(why, BERTH_E_MEMORY);
	auth->conf = *conf;
	int64_t timeout = conf->timeout_ms == 0 ? BERTH_DPP_AUTH_TIMEOUT_MS : conf->timeout_ms;
	auth->deadline = berth_mono_after_ms(now, timeout);
	auth->resend_at = BERTH_MONO_NEVER;
	auth->peer_version = 1;
	*ret = auth;
	return BERTH_OK;
}

void
berth_dpp_auth_end(struct berth_dpp_auth *auth)
{
	if (auth == NULL)
		return;
	berth_dpp_secrets_free(&auth->secrets);
	berth_secret_free(&auth->k1);
	berth_secret_free(&auth->k2);
	berth_buf_free(&auth->output);
	berth_buf_free(&auth->held);
	berth_wipe(auth, sizeof(*auth)); /* M, N and L are secrets too */
	free(auth);
}

uint8_t
berth_dpp_auth_version(const struct berth_dpp_auth *auth)
{
	return auth->peer_version < auth->conf.version ? auth->peer_version : auth->conf.version;
}

void
berth_dpp_auth_raise(struct berth_dpp_auth *auth, enum berth_dpp_auth_event_kind kind)
{
	auth->event = (struct berth_dpp_auth_event){.kind = kind};
	auth->has_event = true;
}

enum berth_err
berth_dpp_auth_give_up(struct berth_dpp_auth *auth, const struct berth_why *why)
{
	auth->state = IS_FAILED;
	auth->deadline = BERTH_MONO_NEVER;
	auth->resend_at = BERTH_MONO_NEVER;
	berth_dpp_auth_raise(auth, BERTH_DPP_AUTH_FAILED);
	auth->event.why = *why;
	return BERTH_OK;
}

void
berth_dpp_auth_ask(struct berth_dpp_auth *auth, enum berth_dpp_auth_state state,
		   const struct berth_ec_point *point)
{
	auth->state = state;
	berth_dpp_auth_raise(auth, BERTH_DPP_AUTH_MULTIPLY);
	auth->event.point = *point;
}

enum berth_err
berth_dpp_auth_hold(struct berth_dpp_auth *auth, const struct berth_dpp_frame *frame)
{
	berth_buf_clear(&auth->held);
	enum berth_err err = berth_buf_append_bytes(&auth->held, frame->header);
	return err ? err : berth_buf_append_bytes(&auth->held, frame->attributes);
}

struct berth_dpp_frame
berth_dpp_auth_held(const struct berth_dpp_auth *auth)
{
	struct berth_bytes all = berth_buf_view(&auth->held);

	return (struct berth_dpp_frame){
		.kind = BERTH_DPP_FRAME_ACTION,
		.type = all.p[BERTH_DPP_HEADER_BYTES - 1],
		.header = berth_bytes_of(all.p, BERTH_DPP_HEADER_BYTES),
		.attributes = berth_bytes_of(all.p + BERTH_DPP_HEADER_BYTES,
					     all.n - BERTH_DPP_HEADER_BYTES),
	};
}

enum berth_err
berth_dpp_auth_send(struct berth_dpp_auth *auth, enum berth_dpp_frame_type type,
		    const struct berth_buf *clear, const struct berth_secret *key,
		    const struct berth_buf *plain, struct berth_why *why)
{
	uint8_t header[BERTH_DPP_HEADER_BYTES];
	BERTH_BUF attributes = {0};

	berth_dpp_frame_header(type, header);
	struct berth_dpp_associated associated = berth_dpp_associated_of(
		berth_bytes_of(header, sizeof(header)), berth_buf_view(clear));
	enum berth_err err = berth_buf_append_bytes(&attributes, berth_buf_view(clear));
	err = err ? berth_dpp_auth_cannot(why, err)
		  : berth_dpp_wrap(auth->conf.pki, key, &associated, berth_buf_view(plain),
				   &attributes, why);
	if (err)
		return err;
	const struct berth_dpp_frame frame = {
		.kind = BERTH_DPP_FRAME_ACTION,
		.type = (uint8_t)type,
		.attributes = berth_buf_view(&attributes),
	};
	berth_buf_clear(&auth->output);
	err = berth_dpp_frame_build(&frame, &auth->output);
	auth->has_output = !err;
	return err ? berth_dpp_auth_cannot(why, err) : BERTH_OK;
}

enum berth_err
berth_dpp_auth_put_status(struct berth_dpp_auth *auth, enum berth_dpp_status status, bool with_peer,
			  struct berth_buf *clear)
{
	bool is_initiator = auth->state == I_WAITS_FOR_RESPONSE || auth->state == I_WAITS_FOR_L;
	const uint8_t *responder = is_initiator ? auth->conf.peer.hash : auth->conf.own.hash;
	const uint8_t *initiator = is_initiator ? auth->conf.own.hash : auth->peer_hash;

	enum berth_err err = berth_dpp_put_u8(clear, BERTH_DPP_STATUS, (uint8_t)status);
	err = err ? err
		  : berth_dpp_put(clear, BERTH_DPP_RESPONDER_KEY_HASH,
				  berth_bytes_of(responder, BERTH_DPP_KEY_HASH_BYTES));
	if (!err && with_peer)
		err = berth_dpp_put(clear, BERTH_DPP_INITIATOR_KEY_HASH,
				    berth_bytes_of(initiator, BERTH_DPP_KEY_HASH_BYTES));
	return err;
}

enum berth_err
berth_dpp_auth_derive(struct berth_dpp_auth *auth, const struct berth_ec_point *l,
		      struct berth_why *why)
{
	struct berth_dpp_secrets *secrets = &auth->secrets;

	berth_secret_free(&secrets->bk);
	berth_secret_free(&secrets->ke);
	enum berth_err err =
		berth_dpp_bk(auth->conf.pki, &auth->exchange, &auth->m, &auth->n, l, &secrets->bk);
	err = err ? err : berth_dpp_ke(auth->conf.pki, auth->m.curve, &secrets->bk, &secrets->ke);
	return err ? berth_dpp_auth_cannot(why, err) : BERTH_OK;
}

enum berth_err
berth_dpp_auth_done(struct berth_dpp_auth *auth)
{
	auth->state = IS_DONE;
	auth->deadline = BERTH_MONO_NEVER;
	auth->resend_at = BERTH_MONO_NEVER;
	auth->secrets.curve = auth->m.curve;
	auth->secrets.version = berth_dpp_auth_version(auth);
	auth->secrets.is_mutual = auth->exchange.is_mutual;
	bool is_initiator =
		auth->i_capabilities == 0; /* the other's, which only a responder reads */
	auth->secrets.own_key = is_initiator ? auth->exchange.pi : auth->exchange.pr;
	auth->secrets.peer_key = is_initiator ? auth->exchange.pr : auth->exchange.pi;
	berth_dpp_auth_raise(auth, BERTH_DPP_AUTH_DONE);
	return BERTH_OK;
}

enum berth_err
berth_dpp_auth_input(struct berth_dpp_auth *auth, struct berth_mono now,
		     const struct berth_dpp_frame *frame, struct berth_why *why)
{
	uint8_t sum[BERTH_SHA256_BYTES];
	enum berth_err err = berth_sha256(auth->conf.pki, frame->attributes, sum);

	if (err)
		return berth_dpp_auth_cannot(why, err);
	/* answered already: ours was lost, or a relay repeats itself; the same octets again */
	if (memcmp(auth->answered, sum, sizeof(sum)) == 0) {
		auth->has_output = auth->output.n > 0;
		return BERTH_OK;
	}
	if (auth->state == IS_DONE || auth->state == IS_FAILED)
		return BERTH_OK; /* a confirm that comes twice, or somebody who is too late */
	if (auth->state == I_WAITS_FOR_RESPONSE && frame->type == BERTH_DPP_AUTHENTICATION_RESPONSE)
		return berth_dpp_initiator_input(auth, frame, now, why);
	if (auth->state == R_WAITS_FOR_CONFIRM && frame->type == BERTH_DPP_AUTHENTICATION_CONFIRM)
		return berth_dpp_responder_input(auth, frame, why);
	return berth_fail(why, BERTH_E_STATE, "dpp-frame-unexpected", "DPP 6.2",
			  "Frame %u of DPP is not expected at this point of an authentication.",
			  frame->type);
}

enum berth_err
berth_dpp_auth_answer(struct berth_dpp_auth *auth, struct berth_mono now, enum berth_err err,
		      const struct berth_ec_point *product, struct berth_why *why)
{
	struct berth_why failed = {0};

	if (auth->state != I_WAITS_FOR_L && auth->state != R_WAITS_FOR_M &&
	    auth->state != R_WAITS_FOR_L)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "Nothing was asked to be multiplied.");
	if (err || product->curve != auth->m.curve) {
		berth_why_fill(&failed, err ? err : BERTH_E_INTERNAL, "dpp-own-key", NULL, 0,
			       "Our own bootstrapping key cannot be used.");
		return berth_dpp_auth_give_up(auth, &failed);
	}
	if (auth->state == I_WAITS_FOR_L)
		return berth_dpp_initiator_answer(auth, product, why);
	return berth_dpp_responder_answer(auth, now, product, why);
}

enum berth_err
berth_dpp_auth_peer(struct berth_dpp_auth *auth, struct berth_mono now,
		    const struct berth_dpp_bootstrapping *peer, struct berth_why *why)
{
	if (auth->state != R_WAITS_FOR_PEER)
		return berth_fail(why, BERTH_E_STATE, "dpp-answer", NULL,
				  "No bootstrapping key was asked for.");
	if (memcmp(peer->hash, auth->peer_hash, sizeof(peer->hash)) != 0 ||
	    peer->point.curve != auth->m.curve)
		return berth_fail(why, BERTH_E_MISMATCH, "dpp-peer-hash", "DPP 6.2.2",
				  "The bootstrapping key that was scanned is not the one of the "
				  "device that waits.");
	auth->conf.peer = *peer;
	auth->conf.has_peer = true;
	return berth_dpp_responder_go_on(auth, now, why);
}

void
berth_dpp_auth_tick(struct berth_dpp_auth *auth, struct berth_mono now)
{
	struct berth_why why = {0};

	if (now.ms >= auth->deadline.ms) {
		berth_why_fill(&why, BERTH_E_TIMEOUT, "dpp-timeout", "DPP 6.2", 0,
			       "The other side of the authentication went silent.");
		berth_ignore(berth_dpp_auth_give_up(auth, &why), "always OK");
	} else if (now.ms >= auth->resend_at.ms) {
		auth->resend_at = berth_mono_after_ms(now, auth->conf.resend_ms);
		auth->has_output = true;
	}
}

struct berth_mono
berth_dpp_auth_deadline(const struct berth_dpp_auth *auth)
{
	return auth->resend_at.ms < auth->deadline.ms ? auth->resend_at : auth->deadline;
}

bool
berth_dpp_auth_event(struct berth_dpp_auth *auth, struct berth_dpp_auth_event *ret)
{
	if (!auth->has_event)
		return false;
	auth->has_event = false;
	*ret = auth->event;
	return true;
}

void
berth_dpp_auth_repeat(struct berth_dpp_auth *auth)
{
	auth->has_output = auth->output.n > 0;
}

bool
berth_dpp_auth_output(struct berth_dpp_auth *auth, struct berth_bytes *body)
{
	if (!auth->has_output)
		return false;
	auth->has_output = false;
	*body = berth_buf_view(&auth->output);
	return true;
}

void
berth_dpp_auth_take(struct berth_dpp_auth *auth, struct berth_dpp_secrets *ret)
{
	*ret = auth->secrets;
	auth->secrets = (struct berth_dpp_secrets){0};
}
