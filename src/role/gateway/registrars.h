/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registrars that discovery has told of, and what of them the join proxy offers. A proxy announces one set of
 * methods, so it relays to the registrars that speak the same as the one known longest.
 */
#ifndef BERTH_ROLE_GATEWAY_REGISTRARS_H
#define BERTH_ROLE_GATEWAY_REGISTRARS_H

#include "net/dns_sd.h"
#include "net/relay.h"

#define BERTH_GATEWAY_REGISTRARS_MAX 32 /* addresses; more of them help nobody */

struct berth_gateway_registrars {
	struct berth_service
		at[BERTH_GATEWAY_REGISTRARS_MAX]; /* in the order in which they appeared */
	size_t n;
};

/* New, or known with other text or port. BERTH_E_LIMIT when full. */
enum berth_err berth_gateway_registrar_add(struct berth_gateway_registrars *registrars,
					   const struct berth_service *service,
					   struct berth_why *why) BERTH_MUST;
void berth_gateway_registrar_remove(struct berth_gateway_registrars *registrars,
				    const struct berth_service *service);
/* Fills targets, returns how many. */
size_t berth_gateway_registrar_targets(const struct berth_gateway_registrars *registrars,
				       struct berth_relay_target targets[BERTH_RELAY_TARGETS_MAX]);
/* The methods to announce: the text of the first; 0 when there is none. */
size_t berth_gateway_registrar_methods(const struct berth_gateway_registrars *registrars,
				       const char *methods[BERTH_SERVICE_TEXT_MAX]);

#endif
