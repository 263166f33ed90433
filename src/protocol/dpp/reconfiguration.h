/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPP Reconfiguration (DPP 6.5), both sides, as a pure machine: a device that was configured before shows its Connector to the
 * Configurator that signed it, and gets a new configuration, without its bootstrapping key and also after the Connector's end.
 *
 *	enrollee:     berth_dpp_reconfig_announce (a frame, as often as one likes); then of each Request that comes:
 *		      berth_dpp_reconfig_respond -> MULTIPLY, answered by berth_dpp_reconfig_product -> output Response
 *		      berth_dpp_reconfig_input(Confirm) -> DONE
 *	configurator: berth_dpp_reconfig_begin(Announcement) -> SIGN, answered by berth_dpp_reconfig_signed -> output Request
 *		      berth_dpp_reconfig_input(Response) -> KNOWN, answered by berth_dpp_reconfig_allow -> output Confirm, DONE
 *
 * DONE hands over secrets as an authentication does; DPP Configuration follows. Frames that are wrong change nothing, and the
 * verb's error says what it was.
 */
#ifndef BERTH_PROTOCOL_DPP_RECONFIGURATION_H
#define BERTH_PROTOCOL_DPP_RECONFIGURATION_H

#include "protocol/dpp/authentication.h"
#include "protocol/dpp/connector.h"

#define BERTH_DPP_RECONFIG_TIMEOUT_MS 10000

struct berth_dpp_reconfig;

struct berth_dpp_reconfig_conf {
	struct berth_pki *pki;
	struct berth_random random;
	uint8_t version;
	struct berth_ec_point c_sign; /* the one key that both Connectors must be signed with */
	struct berth_wall now;	      /* configurator's Connector: judged, and when ours ends */
	/* configurator: what the device's netAccessKey becomes */
	bool replaces_key;
	/* enrollee */
	struct berth_bytes connector; /* ours; lives as long as the machine */
	struct berth_ec_point net_access_key;
	bool trusts_clock;
};

/* An announcement's contents; e_id is masked with the ppKey. */
struct berth_dpp_announcement {
	uint8_t c_sign_hash[32];
	enum berth_ec_curve curve; /* of the netAccessKey */
	struct berth_ec_point a_nonce, masked_id;
};
enum berth_err berth_dpp_announcement_parse(struct berth_pki *pki, enum berth_ec_curve pp_curve,
					    const struct berth_dpp_frame *frame,
					    struct berth_dpp_announcement *ret,
					    struct berth_why *why) BERTH_MUST;
/*
 * The enrollee's: e_id is any point of the ppKey's curve that it keeps, by which the Configurator alone knows it again.
 */
enum berth_err berth_dpp_reconfig_announce(struct berth_pki *pki, const struct berth_random *random,
					   const struct berth_ec_point *c_sign,
					   const struct berth_ec_point *pp_key,
					   const struct berth_ec_point *e_id,
					   enum berth_ec_curve net_access_curve,
					   struct berth_buf *body,
					   struct berth_why *why) BERTH_MUST;
/* product: the ppKey's private part times a_nonce. */
enum berth_err berth_dpp_announcement_unmask(struct berth_pki *pki,
					     const struct berth_dpp_announcement *announcement,
					     const struct berth_ec_point *product,
					     struct berth_ec_point *e_id,
					     struct berth_why *why) BERTH_MUST;

enum berth_err berth_dpp_reconfig_begin(const struct berth_dpp_reconfig_conf *conf,
					struct berth_mono now,
					const struct berth_dpp_announcement *announcement,
					struct berth_dpp_reconfig **ret,
					struct berth_why *why) BERTH_MUST;
/* UNTRUSTED, SIGNATURE, EXPIRED: not from our Configurator; nothing of ours was used. */
enum berth_err berth_dpp_reconfig_respond(const struct berth_dpp_reconfig_conf *conf,
					  struct berth_mono now,
					  const struct berth_dpp_frame *request,
					  struct berth_dpp_reconfig **ret,
					  struct berth_why *why) BERTH_MUST;
void berth_dpp_reconfig_end(struct berth_dpp_reconfig *reconfig);

enum berth_err berth_dpp_reconfig_input(struct berth_dpp_reconfig *reconfig, struct berth_mono now,
					const struct berth_dpp_frame *frame,
					struct berth_why *why) BERTH_MUST;
void berth_dpp_reconfig_tick(struct berth_dpp_reconfig *reconfig, struct berth_mono now);
struct berth_mono berth_dpp_reconfig_deadline(const struct berth_dpp_reconfig *reconfig);

enum berth_dpp_reconfig_event_kind {
	BERTH_DPP_RECONFIG_SIGN,     /* payload of our own Connector, with the C-sign key */
	BERTH_DPP_RECONFIG_MULTIPLY, /* point, with our netAccessKey */
	BERTH_DPP_RECONFIG_KNOWN, /* connector: whose device it is; nothing is answered before it is allowed */
	BERTH_DPP_RECONFIG_DONE,
	BERTH_DPP_RECONFIG_FAILED, /* why */
};
struct berth_dpp_reconfig_event {
	enum berth_dpp_reconfig_event_kind kind;
	struct berth_bytes payload;
	struct berth_ec_point point;
	const struct berth_dpp_connector *connector;
	struct berth_why why;
};
bool berth_dpp_reconfig_event(struct berth_dpp_reconfig *reconfig,
			      struct berth_dpp_reconfig_event *ret);
enum berth_err berth_dpp_reconfig_signed(struct berth_dpp_reconfig *reconfig,
					 struct berth_bytes connector,
					 struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_reconfig_product(struct berth_dpp_reconfig *reconfig, enum berth_err err,
					  const struct berth_ec_point *product,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_reconfig_allow(struct berth_dpp_reconfig *reconfig, bool is_allowed,
					struct berth_why *why) BERTH_MUST;
/* What was said last, once more: the same announcement came again. */
void berth_dpp_reconfig_repeat(struct berth_dpp_reconfig *reconfig);
bool berth_dpp_reconfig_output(struct berth_dpp_reconfig *reconfig, struct berth_bytes *body);
/*
 * After DONE. Of a device that keeps its key secrets->scalar is empty, and own_key (the configurator's peer_key) is its old one.
 */
void berth_dpp_reconfig_take(struct berth_dpp_reconfig *reconfig, struct berth_dpp_secrets *ret);

#endif
