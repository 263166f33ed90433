/* SPDX-License-Identifier: BSD-2-Clause */
/* What people do with a running registrar: `berth device ...` and `berth audit verify`, over its admin socket. */
#ifndef BERTH_ROLE_OPERATOR_OPERATOR_H
#define BERTH_ROLE_OPERATOR_OPERATOR_H

#include "role/verb.h"

extern const struct berth_verb berth_operator_verbs[];
extern const struct berth_verb berth_operator_voucher_verbs[];	 /* `berth voucher add ...` */
extern const struct berth_verb berth_operator_ownership_verbs[]; /* `berth device claim ...` */
extern const struct berth_verb berth_dpp_verbs[]; /* `berth device add`, `berth dpp ...` */
extern const struct berth_verb berth_operator_rekey_verbs[]; /* `berth registrar rekey` */

#endif
