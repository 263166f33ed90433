/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One attempt of a device to be configured by DPP: from somebody's Authentication Request to a configuration, whatever the
 * frames travel on. A failed attempt is ended and forgotten; the next one begins with nothing of it. A device that keeps a
 * configuration takes another one only from the Configurator that gave it (DPP 6.5).
 *
 *	berth_dpp_attempt_start(Authentication Request, or Reconfiguration's); then of each verb: events, outputs, sleep until the deadline
 *	OFFERED -> berth_dpp_attempt_decide -> output Result, ENROLLED
 */
#ifndef BERTH_ROLE_DEVICE_DPP_ATTEMPT_H
#define BERTH_ROLE_DEVICE_DPP_ATTEMPT_H

#include "protocol/dpp/authentication.h"
#include "protocol/dpp/enrollee.h"
#include "protocol/dpp/pkex.h"
#include "role/device/dpp_kept.h"

struct berth_dpp_attempt_conf {
	struct berth_pki *pki;
	struct berth_random random;
	struct berth_key *key; /* bootstrapping key; stays in its keystore */
	struct berth_dpp_bootstrapping own;
	bool has_configurator; /* nobody but this one, who has to prove it */
	struct berth_dpp_bootstrapping configurator;
	struct berth_dpp_pkex_code *pkex_code; /* NULL: nobody is known by one */
	bool has_address;		       /* of our radio */
	uint8_t address[BERTH_DPP_ADDRESS_BYTES];
	struct berth_dpp_request request; /* its texts live longer than any attempt */
	bool trusts_clock;
	const struct berth_dpp_kept *kept; /* NULL: never configured */
};

struct berth_dpp_attempt;

/* Whether a frame asks this device to authenticate. */
bool berth_dpp_attempt_is_asked(const struct berth_dpp_attempt_conf *conf,
				const struct berth_dpp_frame *frame);
/* conf lives longer than the attempt. */
enum berth_err berth_dpp_attempt_start(const struct berth_dpp_attempt_conf *conf,
				       struct berth_now now, const struct berth_dpp_frame *request,
				       struct berth_dpp_attempt **ret,
				       struct berth_why *why) BERTH_MUST;
/*
 * An attempt that asks by itself, for whoever knows the code: its output is the Exchange Request of PKEX, of version 1 where
 * is_version_1, and it has begun when it has taken the response.
 */
enum berth_err berth_dpp_attempt_offer(const struct berth_dpp_attempt_conf *conf,
				       struct berth_now now, bool is_version_1,
				       struct berth_dpp_attempt **ret,
				       struct berth_why *why) BERTH_MUST;
void berth_dpp_attempt_end(struct berth_dpp_attempt *attempt); /* NULL is fine; wipes */
/* What is refused changes nothing. */
enum berth_err berth_dpp_attempt_input(struct berth_dpp_attempt *attempt, struct berth_now now,
				       const struct berth_dpp_frame *frame,
				       struct berth_why *why) BERTH_MUST;
void berth_dpp_attempt_tick(struct berth_dpp_attempt *attempt, struct berth_now now);
struct berth_mono berth_dpp_attempt_deadline(const struct berth_dpp_attempt *attempt);

enum berth_dpp_attempt_event_kind {
	BERTH_DPP_ATTEMPT_AUTHENTICATED,
	BERTH_DPP_ATTEMPT_CSR_WANTED, /* password; berth_dpp_attempt_csr */
	BERTH_DPP_ATTEMPT_OFFERED,    /* offer */
	BERTH_DPP_ATTEMPT_ENROLLED,
	BERTH_DPP_ATTEMPT_FAILED, /* why; what is still to be sent is worth sending */
};
struct berth_dpp_attempt_event {
	enum berth_dpp_attempt_event_kind kind;
	const char *password; /* for the request's challengePassword; secret */
	const struct berth_dpp_offer *offer;
	struct berth_why why;
};
bool berth_dpp_attempt_event(struct berth_dpp_attempt *attempt, struct berth_now now,
			     struct berth_dpp_attempt_event *ret);
bool berth_dpp_attempt_output(struct berth_dpp_attempt *attempt, struct berth_bytes *body);
enum berth_err berth_dpp_attempt_csr(struct berth_dpp_attempt *attempt, struct berth_now now,
				     struct berth_bytes csr, struct berth_why *why) BERTH_MUST;
enum berth_err berth_dpp_attempt_decide(struct berth_dpp_attempt *attempt, struct berth_now now,
					bool is_accepted, struct berth_why *why) BERTH_MUST;

#endif
