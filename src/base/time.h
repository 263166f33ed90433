/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two kinds of time that cannot be mixed up: the wall clock (dates in vouchers and certificates)
 * and the monotonic clock (time-outs). Nothing here reads a clock: system/clock.h does.
 */
#ifndef BERTH_BASE_TIME_H
#define BERTH_BASE_TIME_H

#include "base/bytes.h"

struct berth_wall {
	int64_t s; /* seconds since 1970-01-01T00:00:00Z, leap seconds not counted */
};

struct berth_mono {
	int64_t ms; /* milliseconds since an arbitrary start; never goes back */
};

#define BERTH_MONO_NEVER ((struct berth_mono){INT64_MAX})
/* RFC 5280 4.1.2.5: 99991231235959Z, "no well-defined expiration date". */
#define BERTH_WALL_NO_EXPIRY ((struct berth_wall){253402300799})

/* The moment a machine acts in. wall_is_trusted is false on a device without a clock it can rely
 * on. */
struct berth_now {
	struct berth_mono mono;
	struct berth_wall wall;
	bool wall_is_trusted;
};

#define BERTH_TIME_TEXT_MAX 32
/* "2026-11-23T21:07:00Z" (RFC 3339). Returns text. */
const char *berth_wall_format(struct berth_wall t, char text[BERTH_TIME_TEXT_MAX]);
/*
 * Reads RFC 3339 / yang:date-and-time: any fraction (cut off), "Z" or a numeric offset;
 * years 1..9999; a leap second reads as the second before it. The whole input must be the date.
 */
enum berth_err berth_wall_parse(struct berth_bytes text, struct berth_wall *ret,
				struct berth_why *why) BERTH_MUST;
/* "90s" "15m" "2h" "4d" or plain seconds; the whole input; at most ten years. */
enum berth_err berth_duration_parse_s(struct berth_bytes text, int64_t *ret_s,
				      struct berth_why *why) BERTH_MUST;
/* Adds without overflow, sticking at BERTH_MONO_NEVER. */
struct berth_mono berth_mono_after_ms(struct berth_mono t, int64_t ms);

#endif
