/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Configurator's half of DPP Configuration (DPP 6.4), after an authentication or a reconfiguration, as a pure machine:
 *
 *	berth_dpp_configurator_input(Configuration Request) -> CONFIGURE, answered by berth_dpp_configurator_answer
 *	-> output Configuration Response
 *	berth_dpp_configurator_input(Configuration Result) -> RESULT; then DONE, or CONNECTION and DONE
 *
 * An answer may come late: after comeback_ms the other is told to ask again. Stock relays lose what comes after that, so it
 * is for those who speak for themselves; 0: never told.
 */
#ifndef BERTH_PROTOCOL_DPP_CONFIGURATOR_H
#define BERTH_PROTOCOL_DPP_CONFIGURATOR_H

#include "protocol/dpp/configuration.h"
#include "protocol/dpp/configuration_object.h"
#include "protocol/dpp/configuration_request.h"

#define BERTH_DPP_REQUEST_TIMEOUT_MS 10000 /* until the request comes, and from each answer on */
#define BERTH_DPP_RESULT_TIMEOUT_MS 10000
#define BERTH_DPP_CONNECTION_TIMEOUT_MS 16000
#define BERTH_DPP_COMEBACK_DELAY 500 /* units of 1024 us */

struct berth_dpp_configurator;

struct berth_dpp_configurator_conf {
	struct berth_pki *pki;
	struct berth_random random;
	bool wants_connection_status;
	int64_t comeback_ms;
};

/* Takes the secrets over, on success. */
enum berth_err berth_dpp_configurator_start(const struct berth_dpp_configurator_conf *conf,
					    struct berth_dpp_secrets *secrets,
					    struct berth_mono now,
					    struct berth_dpp_configurator **ret,
					    struct berth_why *why) BERTH_MUST;
void berth_dpp_configurator_end(struct berth_dpp_configurator *configurator);
enum berth_err berth_dpp_configurator_input(struct berth_dpp_configurator *configurator,
					    struct berth_mono now,
					    const struct berth_dpp_frame *frame,
					    struct berth_why *why) BERTH_MUST;
void berth_dpp_configurator_tick(struct berth_dpp_configurator *configurator,
				 struct berth_mono now);
struct berth_mono berth_dpp_configurator_deadline(
	const struct berth_dpp_configurator *configurator);

enum berth_dpp_configurator_event_kind {
	BERTH_DPP_CONFIGURE, /* request, net_access_key */
	BERTH_DPP_RESULT, /* status: what the enrollee says of it; a version 1 enrollee says nothing */
	BERTH_DPP_CONNECTION, /* status, and detail: the JSON of it */
	BERTH_DPP_CONFIGURED, /* it is over, and well as far as one was told; result_is_known */
	BERTH_DPP_CONFIGURATION_FAILED, /* why */
};

struct berth_dpp_configurator_event {
	enum berth_dpp_configurator_event_kind kind;
	const struct berth_dpp_request *request;     /* until answered */
	const struct berth_ec_point *net_access_key; /* the enrollee's, to be in its Connector */
	unsigned status;
	struct berth_bytes detail;
	bool result_is_known;
	struct berth_why why;
};
bool berth_dpp_configurator_event(struct berth_dpp_configurator *configurator,
				  struct berth_dpp_configurator_event *ret);

struct berth_dpp_configurator_answer {
	enum berth_dpp_status
		status; /* OK, CONFIGURE_FAILURE, CSR_NEEDED, CSR_BAD, NEW_KEY_NEEDED */
	const struct berth_bytes
		*objects; /* JSON each; only the first goes to an enrollee of version 1 */
	size_t object_count;
	struct berth_bytes csr_attributes; /* CSR_NEEDED: DER */
	enum berth_ec_curve new_key_curve; /* NEW_KEY_NEEDED */
	struct berth_bytes enveloped;	   /* DER, for another Configurator */
};
enum berth_err berth_dpp_configurator_answer(struct berth_dpp_configurator *configurator,
					     struct berth_mono now,
					     const struct berth_dpp_configurator_answer *answer,
					     struct berth_why *why) BERTH_MUST;
bool berth_dpp_configurator_output(struct berth_dpp_configurator *configurator,
				   struct berth_bytes *body);
/* For the check of a certification request. */
const struct berth_dpp_secrets *berth_dpp_configurator_secrets(
	const struct berth_dpp_configurator *configurator);

#endif
