/* SPDX-License-Identifier: BSD-2-Clause */
/* One session of the Controller with one device; for dpp*.c. */
#ifndef BERTH_ROLE_REGISTRAR_DPP_SESSION_H
#define BERTH_ROLE_REGISTRAR_DPP_SESSION_H

#include "protocol/dpp/configurator.h"
#include "protocol/dpp/reconfiguration.h"
#include "role/registrar/dpp.h"
#include "store/registrar_dpp.h"

#define BERTH_DPP_PEERS_MAX 4		/* connections of one device: relays repeat */
#define BERTH_DPP_REFUSED_FRAMES_MAX 16 /* of one session: repeated by the air, or another's */
#define BERTH_DPP_SESSION_ARENA_BYTES ((size_t)64 << 10)

/* What the signer was asked for. */
enum berth_dpp_asked {
	BERTH_DPP_NOTHING,
	BERTH_DPP_PRODUCT,
	BERTH_DPP_OWN_CONNECTOR,
	BERTH_DPP_CERTIFICATE,
	BERTH_DPP_CONNECTOR_OF_DEVICE
};

struct berth_dpp_session {
	struct berth_registrar_role *role;
	uint32_t slot, generation;
	struct berth_arena arena;
	struct berth_dpp_peer peers[BERTH_DPP_PEERS_MAX];
	size_t peer_count;
	size_t last_peer; /* where the newest frame came from: there it is answered */
	char address[64];
	struct berth_ec_point a_nonce; /* of the announcement that a reconfiguration began with */
	bool is_announced;	       /* it announced itself, and we began */
	bool has_hash;
	uint8_t hash
		[32];	/* of the device's bootstrapping key; reconfigurations have none at first */
	int64_t device; /* row */
	char device_id[BERTH_DEVICE_ID_MAX];
	struct berth_secret
		own_scalar;	     /* where our own key is on another curve than the device's */
	struct berth_dpp_pkex *pkex; /* before auth, which is another session's */
	struct berth_mono begun;     /* of pkex */
	struct berth_dpp_auth *auth;
	struct berth_dpp_reconfig *reconfig;
	struct berth_dpp_configurator *configurator;
	enum berth_dpp_asked asked;
	bool has_trace;	   /* of its allowance: kept once */
	int64_t connector; /* row of what is being given */
	struct berth_policy_network network;
	enum berth_dpp_net_role net_role;
	struct berth_ec_point net_access_key;
	int64_t certificate;		    /* row of what is being issued */
	struct berth_bytes certificate_der; /* dot1x, once it is issued */
	unsigned refused_frames;
	bool is_over;
};

struct berth_dpp_session *berth_dpp_session_open(struct berth_registrar_role *role,
						 struct berth_dpp_peer peer,
						 struct berth_bytes address);
void berth_dpp_session_close(struct berth_dpp_session *session);
/* Told, counted, and cut. */
void berth_dpp_refuse(struct berth_registrar_role *role, struct berth_dpp_peer peer,
		      struct berth_bytes address, const struct berth_why *why);
/* Until it waits for the other side or the signer; closes it when it is over. */
void berth_dpp_session_serve(struct berth_dpp_session *session);
/* err: what the signer said. */
void berth_dpp_session_answer(struct berth_dpp_session *session, enum berth_err err,
			      struct berth_bytes object, const struct berth_why *why);
/* Tells the log and, of a device that is known, the record; the session is over. */
void berth_dpp_session_fail(struct berth_dpp_session *session, const struct berth_why *why);
/*
 * May this device be configured now? The trace is kept where it says no. PENDING: an operator has to speak.
 */
enum berth_err berth_dpp_session_decide(struct berth_dpp_session *session,
					struct berth_why *why) BERTH_MUST;
void berth_dpp_session_ask(struct berth_dpp_session *session, enum berth_dpp_asked what,
			   uint16_t op, struct berth_bytes payload);
/* An entry of the audit log about the session's device. */
enum berth_err berth_dpp_session_note(struct berth_dpp_session *session,
				      enum berth_event_kind event, const char *sentence,
				      struct berth_why *why) BERTH_MUST;

/* dpp_give.c. A refusal is told to the device, and then is none for the caller. */
enum berth_err berth_dpp_give(struct berth_dpp_session *session,
			      const struct berth_dpp_configurator_event *event) BERTH_MUST;
/* err, why: the signer's, as with the next. */
enum berth_err berth_dpp_give_certificate(struct berth_dpp_session *session, enum berth_err err,
					  struct berth_bytes der, struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_give_connector(struct berth_dpp_session *session, enum berth_err err,
					struct berth_bytes connector,
					struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_give_result(struct berth_dpp_session *session, unsigned status,
				     struct berth_why *why) BERTH_MUST;

#endif
