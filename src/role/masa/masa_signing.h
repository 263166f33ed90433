/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the MASA's judge may ask its signer for: one shape of message and nothing else. The signer does not believe the
 * judge: it parses the voucher again and judges it by its own configuration (masa_signer.c).
 */
#ifndef BERTH_ROLE_MASA_SIGNING_H
#define BERTH_ROLE_MASA_SIGNING_H

#include "protocol/voucher/voucher.h"

enum berth_masa_op {
	BERTH_MASA_SIGN_VOUCHER = 1, /* object: CMS of the voucher */
};

struct berth_sign_voucher {
	struct berth_bytes json;
	struct berth_wall signing_time;
};

enum berth_err berth_sign_voucher_encode(const struct berth_sign_voucher *ask,
					 struct berth_buf *payload) BERTH_MUST;
/* Views borrow from payload; all of it is read. */
enum berth_err berth_sign_voucher_decode(struct berth_bytes payload, struct berth_sign_voucher *ret,
					 struct berth_why *why) BERTH_MUST;

#endif
