/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Claims, releases and transfers that an operator asks for: to the MASA by TLS with the registrar's certificate, told
 * as the MASA answers (protocol/ownership/request.h). A claimed unit counts as owned from then on, one let go no more.
 * Asking again after a reply was lost is harmless: the MASA answers as it did the first time.
 */
#ifndef BERTH_ROLE_REGISTRAR_OWNERSHIP_H
#define BERTH_ROLE_REGISTRAR_OWNERSHIP_H

#include "role/registrar/judge.h"

/* The two uppermost bits; those of vouchers made ahead (offline.h) have the first alone. */
#define BERTH_OWNERSHIP_COOKIE (3ULL << 62)

static inline bool
berth_ownership_is_cookie(uint64_t cookie)
{
	return (cookie & BERTH_OWNERSHIP_COOKIE) == BERTH_OWNERSHIP_COOKIE;
}
void berth_ownership_dialled(struct berth_registrar_role *role, uint64_t cookie,
			     const struct berth_http_response *response,
			     const struct berth_why *why);
/* Nobody waits for the answer any more; it is still written down. */
void berth_ownership_gone(struct berth_registrar_role *role, struct berth_ticket *ticket);
void berth_ownership_close(struct berth_registrar_role *role);

#endif
