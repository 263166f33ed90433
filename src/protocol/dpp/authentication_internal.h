/* SPDX-License-Identifier: BSD-2-Clause */
/* What the two halves of the authentication machine share. */
#ifndef BERTH_PROTOCOL_DPP_AUTHENTICATION_INTERNAL_H
#define BERTH_PROTOCOL_DPP_AUTHENTICATION_INTERNAL_H

#include "protocol/dpp/authentication.h"
#include "protocol/dpp/wrap.h"

/* Named by what it waits for. */
enum berth_dpp_auth_state {
	I_WAITS_FOR_RESPONSE,
	I_WAITS_FOR_L, /* our bootstrapping key times both of the responder's */
	R_WAITS_FOR_M, /* our bootstrapping key times the initiator's protocol key */
	R_WAITS_FOR_PEER,
	R_WAITS_FOR_L, /* our bootstrapping key times the initiator's */
	R_WAITS_FOR_CONFIRM,
	IS_DONE,
	IS_FAILED,
};

struct berth_dpp_auth {
	struct berth_dpp_auth_conf conf;
	enum berth_dpp_auth_state state;
	struct berth_dpp_exchange exchange;
	struct berth_dpp_secrets secrets;
	struct berth_secret k1, k2;
	struct berth_ec_point m, n;
	uint8_t peer_version;
	uint8_t i_capabilities;
	uint8_t peer_hash[BERTH_DPP_KEY_HASH_BYTES]; /* responder: as the request says it */
	uint8_t answered[BERTH_SHA256_BYTES];	     /* of the frame that output answers */
	struct berth_mono deadline, resend_at;
	bool was_pending; /* we were told to wait */
	bool has_event;
	struct berth_dpp_auth_event event;
	struct berth_buf output;
	bool has_output;
	/* the request, or the response, until a point is multiplied: header and attributes in one */
	struct berth_buf held;
};

enum berth_err berth_dpp_auth_new(const struct berth_dpp_auth_conf *conf, struct berth_mono now,
				  struct berth_dpp_auth **ret, struct berth_why *why) BERTH_MUST;
void berth_dpp_auth_raise(struct berth_dpp_auth *auth, enum berth_dpp_auth_event_kind kind);
/* The machine is over; why is copied. Always BERTH_OK: the verb itself did what it should. */
enum berth_err berth_dpp_auth_give_up(struct berth_dpp_auth *auth, const struct berth_why *why);
void berth_dpp_auth_ask(struct berth_dpp_auth *auth, enum berth_dpp_auth_state state,
			const struct berth_ec_point *point);
/* Header and attributes of a frame, and back: to be judged when an answer has come. */
enum berth_err berth_dpp_auth_hold(struct berth_dpp_auth *auth,
				   const struct berth_dpp_frame *frame) BERTH_MUST;
struct berth_dpp_frame berth_dpp_auth_held(const struct berth_dpp_auth *auth);
/*
 * Puts clear attributes and wrapped ones together into the output.
 */
enum berth_err berth_dpp_auth_send(struct berth_dpp_auth *auth, enum berth_dpp_frame_type type,
				   const struct berth_buf *clear, const struct berth_secret *key,
				   const struct berth_buf *plain, struct berth_why *why) BERTH_MUST;
/* The clear attributes of a response or a confirm up to the hashes. */
enum berth_err berth_dpp_auth_put_status(struct berth_dpp_auth *auth, enum berth_dpp_status status,
					 bool with_peer, struct berth_buf *clear) BERTH_MUST;
/* bk and ke from M, N and, if mutual, L. */
enum berth_err berth_dpp_auth_derive(struct berth_dpp_auth *auth, const struct berth_ec_point *l,
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_auth_done(struct berth_dpp_auth *auth) BERTH_MUST;
uint8_t berth_dpp_auth_version(const struct berth_dpp_auth *auth);
enum berth_err berth_dpp_auth_cannot(struct berth_why *why, enum berth_err err) BERTH_MUST;

enum berth_err berth_dpp_initiator_input(struct berth_dpp_auth *auth,
					 const struct berth_dpp_frame *response,
					 struct berth_mono now, struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_initiator_answer(struct berth_dpp_auth *auth,
					  const struct berth_ec_point *l,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_responder_input(struct berth_dpp_auth *auth,
					 const struct berth_dpp_frame *confirm,
					 struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_responder_answer(struct berth_dpp_auth *auth, struct berth_mono now,
					  const struct berth_ec_point *product,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_responder_go_on(struct berth_dpp_auth *auth, struct berth_mono now,
					 struct berth_why *why) BERTH_MUST;

#endif
