/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The enrollee's half of DPP Configuration (DPP 6.4), after an authentication or a reconfiguration, as a pure machine:
 *
 *	berth_dpp_enrollee_start -> output Configuration Request
 *	berth_dpp_enrollee_input(Configuration Response) [-> CSR_WANTED, answered by berth_dpp_enrollee_csr -> output Request]
 *	-> OFFERED, answered by berth_dpp_enrollee_decide once it is kept -> output Configuration Result, ENROLLED
 *	[berth_dpp_enrollee_connected -> output Connection Status Result]
 *
 * An offer that it gives was judged (DPP 6.4.3): every object of it is signed for this device's own key, or has no Connector.
 */
#ifndef BERTH_PROTOCOL_DPP_ENROLLEE_H
#define BERTH_PROTOCOL_DPP_ENROLLEE_H

#include "protocol/dpp/configuration.h"
#include "protocol/dpp/configuration_object.h"
#include "protocol/dpp/configuration_request.h"

#define BERTH_DPP_RESPONSE_TIMEOUT_MS 10000  /* of each question */
#define BERTH_DPP_COMEBACK_TIMEOUT_MS 120000 /* of all that are told to be asked again */
#define BERTH_DPP_CONNECT_WITHIN_MS                                                                \
	15000 /* to say how it went, when the Configurator wants to know */

struct berth_dpp_enrollee;

struct berth_dpp_enrollee_conf {
	struct berth_pki *pki;
	struct berth_random random;
	struct berth_dpp_request request; /* csr empty; its texts live as long as the machine */
	const char *extra_name;		  /* member of an object that is wanted too; NULL: none */
	bool trusts_clock;		  /* else no Connector is too old */
	struct berth_wall now;
	uint8_t dialog;
	/* Reconfiguration: only under this C-sign key; NULL: any. */
	const struct berth_ec_point *c_sign;
};

/* Takes the secrets over, on success. */
enum berth_err berth_dpp_enrollee_start(const struct berth_dpp_enrollee_conf *conf,
					struct berth_dpp_secrets *secrets, struct berth_mono now,
					struct berth_dpp_enrollee **ret,
					struct berth_why *why) BERTH_MUST;
void berth_dpp_enrollee_end(struct berth_dpp_enrollee *enrollee); /* wipes */
enum berth_err berth_dpp_enrollee_input(struct berth_dpp_enrollee *enrollee, struct berth_mono now,
					const struct berth_dpp_frame *frame,
					struct berth_why *why) BERTH_MUST;
void berth_dpp_enrollee_tick(struct berth_dpp_enrollee *enrollee, struct berth_mono now);
struct berth_mono berth_dpp_enrollee_deadline(const struct berth_dpp_enrollee *enrollee);

/* What was offered; it lives until the machine ends. */
struct berth_dpp_offer {
	struct berth_dpp_object objects[BERTH_DPP_OBJECTS_MAX];
	struct berth_dpp_connector connectors[BERTH_DPP_OBJECTS_MAX]; /* without groups: none */
	size_t count;
	struct berth_bytes enveloped; /* a Configurator's keys, DER; empty: none */
	bool wants_connection_status;
	struct berth_ec_point net_access_key;
	struct berth_bytes net_access_scalar; /* its private part; secret */
};

/* What the authentication left; a Configurator's keys are read with it (backup.h). */
const struct berth_dpp_secrets *berth_dpp_enrollee_secrets(
	const struct berth_dpp_enrollee *enrollee);

enum berth_dpp_enrollee_event_kind {
	BERTH_DPP_CSR_WANTED, /* csr_attributes (DER, may be empty), password */
	BERTH_DPP_OFFERED,    /* offer */
	BERTH_DPP_ENROLLED,
	BERTH_DPP_ENROLMENT_FAILED, /* why */
};

struct berth_dpp_enrollee_event {
	enum berth_dpp_enrollee_event_kind kind;
	struct berth_bytes csr_attributes;
	const char *password; /* challengePassword */
	const struct berth_dpp_offer *offer;
	struct berth_why why;
};
bool berth_dpp_enrollee_event(struct berth_dpp_enrollee *enrollee,
			      struct berth_dpp_enrollee_event *ret);
/* csr: DER, with the password that was asked for. */
enum berth_err berth_dpp_enrollee_csr(struct berth_dpp_enrollee *enrollee, struct berth_mono now,
				      struct berth_bytes csr, struct berth_why *why) BERTH_MUST;
/* is_accepted: it is kept, durably. */
enum berth_err berth_dpp_enrollee_decide(struct berth_dpp_enrollee *enrollee, struct berth_mono now,
					 bool is_accepted, struct berth_why *why) BERTH_MUST;
/* How the first try to join went; STATE: nobody wants to know. */
enum berth_err berth_dpp_enrollee_connected(struct berth_dpp_enrollee *enrollee,
					    enum berth_dpp_status result, struct berth_bytes ssid,
					    struct berth_why *why) BERTH_MUST;
bool berth_dpp_enrollee_output(struct berth_dpp_enrollee *enrollee, struct berth_bytes *body);

#endif
