/* SPDX-License-Identifier: BSD-2-Clause */
/* A signed voucher or voucher-request in words: as JSON, from which the table for people is made. */
#ifndef BERTH_ROLE_VOUCHER_DESCRIBE_H
#define BERTH_ROLE_VOUCHER_DESCRIBE_H

#include "codec/json.h"
#include "protocol/voucher/voucher_cms.h"

const char *berth_voucher_kind_name(enum berth_voucher_kind kind); /* "voucher" ... */
/* Fills object with flat members, all of them texts or booleans. */
enum berth_err berth_voucher_describe(struct berth_pki *pki,
				      const struct berth_signed_voucher *opened,
				      json_t *object) BERTH_MUST;

#endif
