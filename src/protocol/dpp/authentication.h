/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPP Authentication (DPP 6.2 and 6.3), both sides, as a pure machine: three frames, after which both share ke, and each
 * knows that the other has the bootstrapping key that it was asked for. The private bootstrapping key is never here: the
 * machine asks for a point to be multiplied with it (MULTIPLY), which may take another process's time.
 *
 *	initiator: berth_dpp_auth_initiate -> output Authentication Request
 *		   berth_dpp_auth_input(Authentication Response) [-> MULTIPLY] -> output Confirm, DONE
 *	responder: berth_dpp_auth_respond(Authentication Request) -> MULTIPLY
 *		   berth_dpp_auth_answer [-> PEER_WANTED, output Response (pending)] [-> MULTIPLY] -> output Response
 *		   berth_dpp_auth_input(Confirm) -> DONE
 *
 * After every verb the shell takes all events, then all outputs, and sleeps until the deadline. A frame that comes again is
 * answered again with the same bytes. Whatever a peer sends wrongly changes nothing, and the error of the verb says what it
 * was; only a failure that is proven with a key ends the machine (FAILED).
 */
#ifndef BERTH_PROTOCOL_DPP_AUTHENTICATION_H
#define BERTH_PROTOCOL_DPP_AUTHENTICATION_H

#include "base/random.h"
#include "base/time.h"
#include "codec/dpp_frame.h"
#include "protocol/dpp/bootstrapping.h"
#include "protocol/dpp/key_schedule.h"

#define BERTH_DPP_VERSION_MAX 3

/* The bits of a capabilities attribute. */
enum berth_dpp_role {
	BERTH_DPP_ENROLLEE = 1,
	BERTH_DPP_CONFIGURATOR = 2,
	BERTH_DPP_EITHER = 3, /* as an offer, never as what came out */
};

struct berth_dpp_auth;

struct berth_dpp_auth_conf {
	struct berth_pki *pki;
	struct berth_random random;
	uint8_t version;	   /* highest that we speak, 1 to BERTH_DPP_VERSION_MAX */
	enum berth_dpp_role roles; /* that we would take */
	struct berth_dpp_bootstrapping own;
	/* The other's: the initiator always knows it; a responder that does authenticates mutually. */
	bool has_peer;
	struct berth_dpp_bootstrapping peer;
	bool requires_mutual; /* a responder without the other's key waits for it; an initiator takes no less */
	uint8_t channel_class, channel; /* Authentication Request: where to go on; 0: here */
	int64_t timeout_ms;		/* of the whole; 0: BERTH_DPP_AUTH_TIMEOUT_MS */
	int64_t resend_ms; /* where frames get lost: the initiator's request, again; 0: never */
};

#define BERTH_DPP_AUTH_TIMEOUT_MS 10000
#define BERTH_DPP_AUTH_PENDING_MS 60000 /* a person may have to show us the other's code */

/* What is shared in the end; belongs to the machine. */
struct berth_dpp_secrets {
	enum berth_ec_curve curve; /* of the responder's bootstrapping key */
	uint8_t version;	   /* that both speak */
	enum berth_dpp_role role;  /* ours */
	bool is_mutual;
	struct berth_secret bk, ke;
	struct berth_secret scalar; /* of our own protocol key, which becomes the netAccessKey */
	struct berth_ec_point own_key, peer_key; /* protocol keys */
};
void berth_dpp_secrets_free(struct berth_dpp_secrets *secrets);

enum berth_err berth_dpp_auth_initiate(const struct berth_dpp_auth_conf *conf,
				       struct berth_mono now, struct berth_dpp_auth **ret,
				       struct berth_why *why) BERTH_MUST;
/* request: parsed Authentication Request whose responder hash is conf->own.hash. No key was used when it returns. */
enum berth_err berth_dpp_auth_respond(const struct berth_dpp_auth_conf *conf, struct berth_mono now,
				      const struct berth_dpp_frame *request,
				      struct berth_dpp_auth **ret,
				      struct berth_why *why) BERTH_MUST;
void berth_dpp_auth_end(struct berth_dpp_auth *auth); /* NULL is fine; wipes */

/* Response or confirm, or the request again. */
enum berth_err berth_dpp_auth_input(struct berth_dpp_auth *auth, struct berth_mono now,
				    const struct berth_dpp_frame *frame,
				    struct berth_why *why) BERTH_MUST;
void berth_dpp_auth_tick(struct berth_dpp_auth *auth, struct berth_mono now);
struct berth_mono berth_dpp_auth_deadline(const struct berth_dpp_auth *auth);

enum berth_dpp_auth_event_kind {
	BERTH_DPP_AUTH_MULTIPLY, /* point, with our bootstrapping key; berth_dpp_auth_answer */
	BERTH_DPP_AUTH_PENDING,	 /* initiator: the other waits for our code to be shown to it */
	BERTH_DPP_AUTH_PEER_WANTED, /* responder: hash of the key that berth_dpp_auth_peer is to bring */
	BERTH_DPP_AUTH_DONE,	    /* berth_dpp_auth_take */
	BERTH_DPP_AUTH_FAILED,	    /* why */
};

struct berth_dpp_auth_event {
	enum berth_dpp_auth_event_kind kind;
	struct berth_ec_point point;
	struct berth_bytes hash;
	struct berth_why why;
};
bool berth_dpp_auth_event(struct berth_dpp_auth *auth, struct berth_dpp_auth_event *ret);
/* err: the key could not be used; ends it. */
enum berth_err berth_dpp_auth_answer(struct berth_dpp_auth *auth, struct berth_mono now,
				     enum berth_err err, const struct berth_ec_point *product,
				     struct berth_why *why) BERTH_MUST;
/* MISMATCH dpp-peer-hash: not the key that was asked for. */
enum berth_err berth_dpp_auth_peer(struct berth_dpp_auth *auth, struct berth_mono now,
				   const struct berth_dpp_bootstrapping *peer,
				   struct berth_why *why) BERTH_MUST;
/* What was sent last goes out again: the other came back on another connection. */
void berth_dpp_auth_repeat(struct berth_dpp_auth *auth);
/* The next body to send (codec/dpp_frame.h), borrowed until the next verb. */
bool berth_dpp_auth_output(struct berth_dpp_auth *auth, struct berth_bytes *body);
/* After DONE: takes the secrets over, once. */
void berth_dpp_auth_take(struct berth_dpp_auth *auth, struct berth_dpp_secrets *ret);

#endif
