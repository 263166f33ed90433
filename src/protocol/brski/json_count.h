/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 8995's CDDL says number where its figures print a text of digits ("version":"1"): BRSKI's counters are read
 * in both forms (checklist 39) and written as numbers.
 */
#ifndef BERTH_PROTOCOL_JSON_COUNT_H
#define BERTH_PROTOCOL_JSON_COUNT_H

#include "codec/json.h"

/* 0..max. A missing optional member leaves *ret as it was. */
enum berth_err berth_json_read_count(const json_t *object, const char *key,
				     enum berth_json_need need, int64_t max, int64_t *ret,
				     struct berth_why *why) BERTH_MUST;

#endif
