/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vouchers made ahead, for devices that come on where no MASA can be reached (RFC 8995 5.5.6, RFC 8366 6.1). A job is a request of ours
 * that no device waits for:
 *
 *	request:	signer -> the signed request to the operator, who carries it to the MASA
 *	fetch, renewal:	signer -> MASA -> the voucher is kept
 *
 * A voucher that comes as a file is judged like one that a MASA sent.
 */
#ifndef BERTH_ROLE_REGISTRAR_OFFLINE_H
#define BERTH_ROLE_REGISTRAR_OFFLINE_H

#include "role/registrar/judge.h"

#define BERTH_OFFLINE_COOKIE (1ULL << 63) /* no exchange's: its generation has 31 bits */

struct berth_offline_job;

static inline bool
berth_offline_is_cookie(uint64_t cookie)
{
	return (cookie & BERTH_OFFLINE_COOKIE) != 0;
}
/* The signer's and the MASA's answers to a job. */
void berth_offline_signed(struct berth_registrar_role *role, uint64_t cookie, enum berth_err err,
			  struct berth_bytes object, const struct berth_why *why);
void berth_offline_dialled(struct berth_registrar_role *role, uint64_t cookie,
			   const struct berth_http_response *response, const struct berth_why *why);
/* Nobody waits for the answer any more. */
void berth_offline_gone(struct berth_registrar_role *role, struct berth_ticket *ticket);
/* Asks for new vouchers in place of those whose last third has begun. About once a second. */
void berth_offline_tick(struct berth_registrar_role *role);
void berth_offline_end(struct berth_registrar_role *role);

#endif
