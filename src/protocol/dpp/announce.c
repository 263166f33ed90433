/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/dpp/announce.h"

/* DPP 6.2.2: channel 6; 149, or 44 where that is not allowed; 2 in the 60 GHz band. */
#define MHZ_24 2437
#define MHZ_5 5745
#define MHZ_5_ELSE 5220
#define MHZ_60 60480

static bool
is_in(const uint32_t *list, size_t n, uint32_t mhz)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == mhz)
			return true;
	}
	return false;
}

static bool
is_allowed(const struct berth_dpp_announce *a, uint32_t mhz)
{
	return is_in(a->allowed, a->allowed_count, mhz);
}

static void
add(struct berth_dpp_announce *a, uint32_t mhz)
{
	if (is_allowed(a, mhz) && !is_in(a->channels, a->count, mhz) &&
	    a->count < BERTH_DPP_ANNOUNCE_CHANNELS_MAX)
		a->channels[a->count++] = mhz;
}

/* All of a round but the preferred ones, which stand before them for good. */
static void
plan(struct berth_dpp_announce *a, const uint32_t *found, size_t n)
{
	a->count = a->preferred_count;
	for (size_t i = 0; i < n; i++)
		add(a, found[i]);
	add(a, MHZ_24);
	add(a, is_allowed(a, MHZ_5) ? MHZ_5 : MHZ_5_ELSE);
	add(a, MHZ_60);
}

static void
begin_round(struct berth_dpp_announce *a, struct berth_mono now)
{
	a->is_resting = false;
	a->at = 0;
	a->again_count = 0;
	a->wants_scan = !a->prefers_only && a->rounds % BERTH_DPP_ANNOUNCE_SCAN_ROUNDS == 0;
	a->deadline = now;
}

enum berth_err
berth_dpp_announce_start(const struct berth_dpp_announce_conf *conf, struct berth_mono now,
			 struct berth_dpp_announce *ret, struct berth_why *why)
{
	struct berth_dpp_announce a = {.random = conf->random, .prefers_only = conf->prefers_only};
	const size_t max = sizeof(a.allowed) / sizeof(a.allowed[0]);

	a.allowed_count = conf->allowed_count < max ? conf->allowed_count : max;
	if (a.allowed_count > 0)
		memcpy(a.allowed, conf->allowed, a.allowed_count * sizeof(a.allowed[0]));
	for (size_t i = 0; i < conf->preferred_count; i++)
		add(&a, conf->preferred[i]);
	a.preferred_count = a.count;
	if (!a.prefers_only)
		plan(&a, NULL, 0);
	if (a.count == 0)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "dpp-announce-channels", "DPP 6.2.2",
				  "The radio may speak on none of the channels where somebody "
				  "would listen.");
	begin_round(&a, now);
	*ret = a;
	return BERTH_OK;
}

/* A tenth more or less: devices that were switched on together do not speak together for ever. */
static int64_t
pause_ms(const struct berth_dpp_announce *a)
{
	int64_t ms = BERTH_DPP_ANNOUNCE_PAUSE_MS;

	for (unsigned i = BERTH_DPP_ANNOUNCE_EAGER_ROUNDS;
	     i < a->rounds && ms < BERTH_DPP_ANNOUNCE_PAUSE_MAX_MS; i++)
		ms *= 2;
	if (ms > BERTH_DPP_ANNOUNCE_PAUSE_MAX_MS)
		ms = BERTH_DPP_ANNOUNCE_PAUSE_MAX_MS;
	return ms - ms / 10 + berth_random_below(&a->random, (uint32_t)(ms / 5) + 1);
}

static void
end_round(struct berth_dpp_announce *a, struct berth_mono now)
{
	a->rounds++;
	a->is_resting = true;
	a->deadline = berth_mono_after_ms(now, pause_ms(a));
}

void
berth_dpp_announce_next(struct berth_dpp_announce *a, struct berth_mono now,
			struct berth_dpp_announce_step *ret)
{
	*ret = (struct berth_dpp_announce_step){.kind = BERTH_DPP_ANNOUNCE_REST};
	if (a->is_held || now.ms < a->deadline.ms)
		return;
	if (a->again != 0) {
		ret->kind = BERTH_DPP_ANNOUNCE_SPEAK;
		ret->frequency = a->again;
		return;
	}
	if (a->is_resting)
		begin_round(a, now);
	if (a->wants_scan && a->at == a->preferred_count) {
		ret->kind = BERTH_DPP_ANNOUNCE_SCAN;
		return;
	}
	if (a->at == a->count) { /* the scan was the last */
		end_round(a, now);
		return;
	}
	ret->kind = BERTH_DPP_ANNOUNCE_SPEAK;
	ret->frequency = a->channels[a->at];
}

void
berth_dpp_announce_spoken(struct berth_dpp_announce *a, struct berth_mono now)
{
	if (a->again != 0) {
		a->again = 0; /* not heard: the round goes on where it was */
		return;
	}
	if (a->is_resting || a->at == a->count)
		return;
	a->at++;
	if (a->at == a->count && !a->wants_scan)
		end_round(a, now);
}

void
berth_dpp_announce_scanned(struct berth_dpp_announce *a, const uint32_t *found, size_t n)
{
	if (!a->wants_scan)
		return;
	a->wants_scan = false;
	plan(a, found, n);
}

void
berth_dpp_announce_hold(struct berth_dpp_announce *a, uint32_t frequency)
{
	a->is_held = true;
	a->again = is_allowed(a, frequency) ? frequency : 0;
}

void
berth_dpp_announce_resume(struct berth_dpp_announce *a, struct berth_mono now)
{
	a->is_held = false;
	/* somebody is there who knows us: as eager as at the start */
	a->rounds = a->rounds < BERTH_DPP_ANNOUNCE_EAGER_ROUNDS ? a->rounds : 0;
	if (a->again_count == BERTH_DPP_ANNOUNCE_AGAIN_MAX) {
		a->again = 0;
		return;
	}
	a->again_count++;
	a->deadline = berth_mono_after_ms(now, BERTH_DPP_ANNOUNCE_AGAIN_MS);
}

struct berth_mono
berth_dpp_announce_deadline(const struct berth_dpp_announce *a)
{
	return a->is_held ? BERTH_MONO_NEVER : a->deadline;
}
