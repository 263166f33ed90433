/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a registrar tells one of its gateways over the gateway's own mTLS connection: GET
 * /.well-known/berth/gateway/desired-state?after=GENERATION, answered when there is something newer, or after half the
 * lease. An interface of our own; JSON:
 *
 *	{"generation":7,"lease-s":60,"from":0,"total":1,"devices":[{"id":"…","state":"enrolled",
 *	 "segment":"cameras","issuer-key-id":"hex","serial":"hex"}]}
 *
 * A reply is a page. While from and the number of its devices do not make up total, the next one is asked for with
 * &from=NUMBER, and answered at once; one of another generation means that the list has changed, and is asked for from
 * its start.
 */
#ifndef BERTH_PROTOCOL_GATEWAY_DESIRED_STATE_H
#define BERTH_PROTOCOL_GATEWAY_DESIRED_STATE_H

#include <stdlib.h>

#include "model/decision.h"
#include "model/device.h"

#define BERTH_GATEWAY_STATE_PATH "/.well-known/berth/gateway/desired-state"
#define BERTH_GATEWAY_STATE_MEDIA "application/json"
#define BERTH_GATEWAY_PAGE_DEVICES 256 /* of one reply: it fits a frame of a net process */
#define BERTH_GATEWAY_DEVICES_MAX                                                                  \
	4096 /* that a gateway keeps, about 1 MiB; it says so when its registrar knows more */
#define BERTH_GATEWAY_DEVICE_BYTES 512 /* of JSON; its members at their longest have 430 */
#define BERTH_GATEWAY_STATE_BYTES(devices) ((size_t)(devices)*BERTH_GATEWAY_DEVICE_BYTES + 1024)
#define BERTH_GATEWAY_GENERATION_MAX                                                               \
	(INT64_C(1) << 53) /* exact in every JSON reader (RFC 8259 6) */
#define BERTH_GATEWAY_KEY_ID_MAX 32
#define BERTH_GATEWAY_SERIAL_MAX 20 /* RFC 5280 4.1.2.2 */
#define BERTH_GATEWAY_LEASE_MAX_S 3600

struct berth_gateway_device {
	char id[BERTH_DEVICE_ID_MAX];
	enum berth_device_standing state;
	char segment[BERTH_DECISION_NAME_MAX]; /* empty: none */
	char issuer_key_id[2 * BERTH_GATEWAY_KEY_ID_MAX +
			   1]; /* of its newest certificate; hex, or empty */
	char serial[2 * BERTH_GATEWAY_SERIAL_MAX + 1];
};

struct berth_desired_state {
	int64_t generation; /* 1 is the first; 0: none yet */
	int64_t lease_s;
	size_t from;  /* where this page begins */
	size_t total; /* devices that the registrar knows, on all pages */
	size_t count;
	struct berth_gateway_device *devices; /* owned */
};

static inline void
berth_desired_state_free(struct berth_desired_state *state)
{
	free(state->devices);
	*state = (struct berth_desired_state){0};
}

#define BERTH_DESIRED_STATE BERTH_CLEANUP(berth_desired_state_free) struct berth_desired_state

struct berth_desired_state_query {
	int64_t after;
	size_t from;
};

/* Appends to json. */
enum berth_err berth_desired_state_build(const struct berth_desired_state *state,
					 struct berth_buf *json, struct berth_why *why) BERTH_MUST;
/*
 * Of at most devices_max devices. *ret, which is empty before, is as it was when it fails. Unknown members are passed over:
 * a newer registrar may say more.
 */
enum berth_err berth_desired_state_parse(struct berth_bytes json, size_t devices_max,
					 struct berth_desired_state *ret,
					 struct berth_why *why) BERTH_MUST;
/*
 * The page's devices go over to whole; a first page begins it anew. BERTH_E_STATE gateway-page: it does not continue whole,
 * whose list has changed meanwhile.
 */
enum berth_err berth_desired_state_add_page(struct berth_desired_state *whole,
					    struct berth_desired_state *page,
					    struct berth_why *why) BERTH_MUST;
/* Nothing new, as far as this first page goes. */
bool berth_desired_state_begins_with(const struct berth_desired_state *whole,
				     const struct berth_desired_state *page);
/* All that there is, or that a gateway keeps. */
bool berth_desired_state_is_whole(const struct berth_desired_state *state);
/* BERTH_E_DENIED gateway-older-generation: what is held is newer, so this is an answer from the past. */
enum berth_err berth_desired_state_check_newer(int64_t held, const struct berth_desired_state *got,
					       struct berth_why *why) BERTH_MUST;
/* "after=7" or "after=7&from=256"; none is after=0: tell me at once. */
enum berth_err berth_desired_state_query_parse(struct berth_bytes query,
					       struct berth_desired_state_query *ret,
					       struct berth_why *why) BERTH_MUST;

#endif
