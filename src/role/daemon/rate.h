/* SPDX-License-Identifier: BSD-2-Clause */
/* How often a key may be used: a bucket that fills over a minute. */
#ifndef BERTH_ROLE_DAEMON_RATE_H
#define BERTH_ROLE_DAEMON_RATE_H

#include "base/time.h"

struct berth_rate {
	int64_t per_minute;
	int64_t used; /* in the window that began at since */
	struct berth_mono since;
};

void berth_rate_start(struct berth_rate *rate, int64_t per_minute);
/* BERTH_E_LIMIT when the minute's share is used up; key names the setting to raise. */
enum berth_err berth_rate_take(struct berth_rate *rate, struct berth_mono now, const char *key,
			       struct berth_why *why) BERTH_MUST;

#endif
