/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/daemon/rate.h"

#define WINDOW_MS 60000

void
berth_rate_start(struct berth_rate *rate, int64_t per_minute)
{
	*rate = (struct berth_rate){.per_minute = per_minute};
}

enum berth_err
berth_rate_take(struct berth_rate *rate, struct berth_mono now, const char *key,
		struct berth_why *why)
{
	if (rate->used == 0 || now.ms - rate->since.ms >= WINDOW_MS) {
		rate->since = now;
		rate->used = 0;
	}
	if (rate->used >= rate->per_minute)
		return berth_fail(
			why, BERTH_E_LIMIT, "signer-rate", NULL,
			"the signer has signed %lld times in this minute; %s is the limit",
			(long long)rate->used, key);
	rate->used++;
	return BERTH_OK;
}
