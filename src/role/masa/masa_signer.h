/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The MASA's signer process: the voucher key, no network, no store. It signs vouchers and nothing else, at most so
 * many a minute, and keeps its own record of what it released: one line for each, durable before the release.
 */
#ifndef BERTH_ROLE_MASA_SIGNER_H
#define BERTH_ROLE_MASA_SIGNER_H

#include "role/masa/masa_settings.h"
#include "role/masa/masa_signing.h"

extern const struct berth_signer_role berth_masa_signer_role;

/*
 * What the signer demands of a voucher whoever asks: the members of a voucher, dates near its own clock, an expiry
 * within lifetime_s, a certificate as the pin.
 */
enum berth_err berth_masa_signer_check(struct berth_pki *pki, const struct berth_voucher *voucher,
				       struct berth_wall signing_time, struct berth_wall now,
				       int64_t lifetime_s, struct berth_why *why) BERTH_MUST;

#endif
