/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a registrar tells one of its gateways over the gateway's own mTLS connection: GET
 * /.well-known/berth/gateway/desired-state?after=GENERATION, answered when there is something newer, or after half the
 * lease. An interface of our own; JSON:
 *
 *	{"generation":7,"lease-s":60,"devices":[{"id":"…","state":"enrolled","segment":"cameras",
 *	 "issuer-key-id":"hex","serial":"hex"}]}
 */
#ifndef BERTH_PROTOCOL_GATEWAY_DESIRED_STATE_H
#define BERTH_PROTOCOL_GATEWAY_DESIRED_STATE_H

#include "model/decision.h"
#include "model/device.h"

#define BERTH_GATEWAY_STATE_PATH "/.well-known/berth/gateway/desired-state"
#define BERTH_GATEWAY_STATE_MEDIA "application/json"
#define BERTH_GATEWAY_DEVICES_MAX 256 /* of one gateway: what fits one reply of a net process */
#define BERTH_GATEWAY_STATE_MAX_BYTES                                                              \
	((size_t)96 << 10) /* and what a gateway reads; 256 devices of about 300 bytes */
#define BERTH_GATEWAY_GENERATION_MAX                                                               \
	(INT64_C(1) << 53) /* exact in every JSON reader (RFC 8259 6) */
#define BERTH_GATEWAY_KEY_ID_MAX 32
#define BERTH_GATEWAY_SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */
#define BERTH_GATEWAY_LEASE_MAX_S 3600

struct berth_gateway_device {
	char id[BERTH_DEVICE_ID_MAX];
	enum berth_device_state state;
	char segment[BERTH_DECISION_NAME_MAX]; /* empty: none */
	char issuer_key_id[2 * BERTH_GATEWAY_KEY_ID_MAX +
			   1]; /* of its newest certificate; hex, or empty */
	char serial[2 * BERTH_GATEWAY_SERIAL_MAX + 1];
};

struct berth_desired_state {
	int64_t generation; /* 1 is the first; 0: none yet */
	int64_t lease_s;
	size_t count;
	struct berth_gateway_device devices[BERTH_GATEWAY_DEVICES_MAX];
};

/* Appends to json. */
enum berth_err berth_desired_state_build(const struct berth_desired_state *state,
					 struct berth_buf *json, struct berth_why *why) BERTH_MUST;
/* *ret is as it was when it fails. Unknown members are passed over: a newer registrar may say more. */
enum berth_err berth_desired_state_parse(struct berth_bytes json, struct berth_desired_state *ret,
					 struct berth_why *why) BERTH_MUST;
/* BERTH_E_DENIED gateway-older-generation: what is held is newer, so this is an answer from the past. */
enum berth_err berth_desired_state_check_newer(int64_t held, const struct berth_desired_state *got,
					       struct berth_why *why) BERTH_MUST;
/* "after=7"; none is 0: tell me at once. */
enum berth_err berth_desired_state_after(struct berth_bytes query, int64_t *ret,
					 struct berth_why *why) BERTH_MUST;

#endif
