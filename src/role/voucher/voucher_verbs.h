/* SPDX-License-Identifier: BSD-2-Clause */
/* `berth voucher show` and `berth voucher verify`: vouchers and voucher-requests for people and scripts. */
#ifndef BERTH_ROLE_VOUCHER_VERBS_H
#define BERTH_ROLE_VOUCHER_VERBS_H

#include "role/verb.h"

extern const struct berth_verb berth_voucher_verbs[];

#endif
