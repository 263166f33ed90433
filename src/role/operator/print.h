/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies of the registrar's admin API as people read them, on standard output. */
#ifndef BERTH_ROLE_OPERATOR_PRINT_H
#define BERTH_ROLE_OPERATOR_PRINT_H

#include "codec/json.h"

/* Control characters of foreign texts come out as '?'. Members that are not there are left out. */
void berth_print_devices(const json_t *reply);
void berth_print_device(const json_t *reply);
void berth_print_decisions(const json_t *reply);
void berth_print_act(const json_t *reply);
void berth_print_import(const json_t *reply);
void berth_print_audit(const json_t *reply);
void berth_print_rekey(const json_t *reply);
void berth_print_voucher(const json_t *voucher);
void berth_print_ownership(const json_t *reply);
void berth_print_vouchers(const json_t *reply);

#endif
