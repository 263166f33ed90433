/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by masa*.c only: the trace, refusals, and the steps of the machine. */
#ifndef BERTH_PROTOCOL_MASA_INTERNAL_H
#define BERTH_PROTOCOL_MASA_INTERNAL_H

#include "protocol/brski/masa.h"

/* A check that held, or was not needed (the evidence says so). Always BERTH_OK. */
enum berth_err berth_masa_pass(struct berth_masa *masa, const char *rule, const char *section,
			       const char *format, ...) BERTH_PRINTF(4, 5);
/* One that ends the request with an HTTP status; returns err. */
enum berth_err berth_masa_refuse(struct berth_masa *masa, int status, enum berth_err err,
				 const char *rule, const char *section, const char *format, ...)
	BERTH_PRINTF(6, 7) BERTH_MUST;
/* The same with somebody else's reason; the status follows from its kind. */
enum berth_err berth_masa_refuse_why(struct berth_masa *masa,
				     const struct berth_why *why) BERTH_MUST;

typedef enum berth_err berth_masa_step(struct berth_masa *masa);

/* masa_registrar.c: the RVR, who signed it, when. */
berth_masa_step berth_masa_check_registrar;
berth_masa_step berth_masa_check_created_on;
/* masa_pledge.c: the pledge's own request inside it. */
berth_masa_step berth_masa_check_pledge;
/* masa_unit.c: pinning. */
berth_masa_step berth_masa_choose_pin;
/* masa_unit.c: ownership, assertion, and the voucher's fields. */
/* Again, when the voucher is signed: what may have changed meanwhile. */
enum berth_err berth_masa_decide_again(struct berth_masa *masa,
				       const struct berth_masa_unit_facts *facts) BERTH_MUST;
enum berth_err berth_masa_decide(struct berth_masa *masa,
				 const struct berth_masa_unit_facts *facts) BERTH_MUST;
enum berth_err berth_masa_decide_audit_log(struct berth_masa *masa,
					   const struct berth_masa_unit_facts *facts) BERTH_MUST;

/* masa_revocation.c: on from masa->checked; PENDING: masa->revocation says what to fetch. */
berth_masa_step berth_masa_check_revocation;
enum berth_err berth_masa_take_revocation(struct berth_masa *masa, struct berth_bytes body,
					  const struct berth_why *why) BERTH_MUST;

#endif
