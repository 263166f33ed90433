/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For codec only: the quick way for JSON as machines write it, which is nearly all that Berth reads. A document is plain
 * when its text is ASCII without escapes and its numbers are integers of at most 18 digits. Of those jansson's own value
 * is built, in a fifth of jansson's time: its scanner takes a function call for every byte, and a voucher-request is four
 * kilobytes of base64.
 *
 * What is not plain, or no JSON, or beyond a limit, is NULL here, and judged by jansson. So this one never says no, and
 * tests/fuzz/fuzz_json.c holds its yes against jansson's.
 */
#ifndef BERTH_CODEC_JSON_PLAIN_H
#define BERTH_CODEC_JSON_PLAIN_H

#include "codec/json.h"

/* The caller's reference, or NULL. */
json_t *berth_json_plain(struct berth_bytes text, size_t max_depth, size_t max_values);

#endif
