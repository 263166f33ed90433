/* SPDX-License-Identifier: BSD-2-Clause */
/* The writing side of the log of RFC 8995 5.8, for masa_voucher.c alone: an entry exists only with its voucher. */
#ifndef BERTH_STORE_MASA_LOG_H
#define BERTH_STORE_MASA_LOG_H

#include "store/masa_store.h"

/* Where the unit's log is full, removes one entry and counts it. */
enum berth_err berth_masa_log_append(struct berth_store *store, int64_t unit,
				     const struct berth_masa_log_event *event,
				     struct berth_why *why) BERTH_MUST;

#endif
