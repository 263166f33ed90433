/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the gateway keeps in its own directory: desired-state.json, as the registrar sent it, durable; status.json, how
 * things stand, for `berth-gateway status`; lock, held while it runs.
 */
#ifndef BERTH_ROLE_GATEWAY_HELD_H
#define BERTH_ROLE_GATEWAY_HELD_H

#include "base/time.h"
#include "protocol/gateway/desired_state.h"

enum berth_gateway_stream_state {
	BERTH_GATEWAY_STREAM_ONBOARDING, /* no certificate of a gateway yet */
	BERTH_GATEWAY_STREAM_AWAY,
	BERTH_GATEWAY_STREAM_UP,
	BERTH_GATEWAY_STREAM_REFUSED, /* by the registrar, which knows who asks */
};
const char *berth_gateway_stream_state_name(enum berth_gateway_stream_state state);

struct berth_gateway_status {
	enum berth_gateway_stream_state stream;
	bool is_proxying;
	struct berth_mono lease_until; /* 0: no lease */
	int64_t never_told;	       /* connections that were relayed and could not be reported */
};

/* *ret is empty before. No file: generation 0. */
enum berth_err berth_gateway_held_load(const char *directory, struct berth_desired_state *ret,
				       struct berth_why *why) BERTH_MUST;
enum berth_err berth_gateway_held_save(const char *directory,
				       const struct berth_desired_state *state,
				       struct berth_why *why) BERTH_MUST;
enum berth_err berth_gateway_status_save(const char *directory,
					 const struct berth_gateway_status *status,
					 struct berth_why *why) BERTH_MUST;
/* How it ended last time: a gateway that its registrar refused does not begin to relay by being started again. */
bool berth_gateway_status_was_refused(const char *directory);
enum berth_err berth_gateway_held_lock(const char *directory, int *ret_fd,
				       struct berth_why *why) BERTH_MUST;
/* Prints it. as_json: for programs. */
enum berth_err berth_gateway_held_print(const char *directory, bool as_json,
					struct berth_why *why) BERTH_MUST;

#endif
