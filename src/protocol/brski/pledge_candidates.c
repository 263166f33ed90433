/* SPDX-License-Identifier: BSD-2-Clause */
/* Which proxies the pledge knows, when each may be tried again, and when the next attempt begins. */
#include "protocol/brski/pledge_internal.h"

static bool
is_same(const struct berth_pledge_candidate *a, const struct berth_pledge_candidate *b)
{
	return a->port == b->port && strncmp(a->host, b->host, sizeof(a->host)) == 0;
}

static struct pledge_candidate *
find(struct berth_pledge *pledge, const struct berth_pledge_candidate *at)
{
	for (size_t i = 0; i < BERTH_PLEDGE_CANDIDATES_MAX; i++) {
		struct pledge_candidate *candidate = &pledge->candidates[i];
		if (candidate->is_used && is_same(&candidate->at, at)) {
			return candidate;
		}
	}
	return NULL;
}

static bool
may_be_replaced(const struct pledge_candidate *candidate)
{
	return !candidate->is_busy && !candidate->at.is_static &&
	       (candidate->is_lost || candidate->failures > 0);
}

/* A free place, else the one that has gone, else the one that failed most; NULL: none. */
static struct pledge_candidate *
place(struct berth_pledge *pledge)
{
	struct pledge_candidate *best = NULL;
	for (size_t i = 0; i < BERTH_PLEDGE_CANDIDATES_MAX; i++) {
		struct pledge_candidate *candidate = &pledge->candidates[i];
		if (!candidate->is_used) {
			return candidate;
		}
		if (!may_be_replaced(candidate)) {
			continue;
		}
		if (!best || candidate->is_lost ||
		    (!best->is_lost && candidate->failures > best->failures)) {
			best = candidate;
		}
	}
	return best;
}

void
pledge_candidate_found(struct berth_pledge *pledge, struct berth_now now,
		       const struct berth_pledge_candidate *at)
{
	struct pledge_candidate *candidate = find(pledge, at);
	if (candidate) {
		/* Announcing again does not shorten the back-off: a rogue proxy could shout. */
		candidate->is_lost = false;
		return;
	}
	const bool is_complete = memchr(at->host, 0, sizeof(at->host)) && at->host[0] && at->port;
	candidate = is_complete ? place(pledge) : NULL;
	if (!candidate) {
		return; /* flooded: those that we have not tried yet come first */
	}
	*candidate = (struct pledge_candidate){.at = *at, .is_used = true, .not_before = now.mono};
}

void
pledge_candidate_lost(struct berth_pledge *pledge, const struct berth_pledge_candidate *at)
{
	struct pledge_candidate *candidate = find(pledge, at);
	if (candidate && !candidate->at.is_static) {
		candidate->is_lost = true;
	}
}

/* req: rfc8995-4.1-p4 */
void
pledge_candidate_failed(struct pledge_candidate *candidate, struct berth_now now)
{
	int64_t wait_s = BERTH_PLEDGE_BACKOFF_FIRST_S;
	for (unsigned i = 0; i < candidate->failures && wait_s < BERTH_PLEDGE_BACKOFF_MAX_S; i++) {
		wait_s *= 2;
	}
	if (wait_s > BERTH_PLEDGE_BACKOFF_MAX_S) {
		wait_s = BERTH_PLEDGE_BACKOFF_MAX_S;
	} else {
		candidate->failures++;
	}
	candidate->not_before = berth_mono_after_ms(now.mono, wait_s * 1000);
}

/* The one that may be tried first; NULL when none is idle. */
/* req: rfc8995-4.1-p10 */
static const struct pledge_candidate *
first_idle(const struct berth_pledge *pledge)
{
	const struct pledge_candidate *best = NULL;
	for (size_t i = 0; i < BERTH_PLEDGE_CANDIDATES_MAX; i++) {
		const struct pledge_candidate *candidate = &pledge->candidates[i];
		if (!candidate->is_used || candidate->is_busy || candidate->is_lost) {
			continue;
		}
		if (!best || candidate->not_before.ms < best->not_before.ms) {
			best = candidate;
		}
	}
	return best;
}

static struct pledge_attempt *
free_slot(struct berth_pledge *pledge)
{
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		if (!pledge->attempts[i].id) {
			return &pledge->attempts[i];
		}
	}
	return NULL;
}

/* The attempt whose last progress is longest ago; all slots are taken. */
static const struct pledge_attempt *
stalest(const struct berth_pledge *pledge)
{
	const struct pledge_attempt *oldest = &pledge->attempts[0];
	for (size_t i = 1; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		if (pledge->attempts[i].progress_at.ms < oldest->progress_at.ms) {
			oldest = &pledge->attempts[i];
		}
	}
	return oldest;
}

static bool
has_free_slot(const struct berth_pledge *pledge)
{
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		if (!pledge->attempts[i].id) {
			return true;
		}
	}
	return false;
}

struct berth_mono
pledge_schedule_deadline(const struct berth_pledge *pledge)
{
	const struct pledge_candidate *candidate = first_idle(pledge);
	if (pledge->chosen || pledge->is_done || !candidate) {
		return BERTH_MONO_NEVER;
	}
	struct berth_mono at = candidate->not_before;
	if (at.ms < pledge->next_start.ms) {
		at = pledge->next_start;
	}
	if (!has_free_slot(pledge)) {
		const struct berth_mono room = berth_mono_after_ms(stalest(pledge)->progress_at,
								   BERTH_PLEDGE_NO_PROGRESS_MS);
		at = at.ms < room.ms ? room : at;
	}
	return at;
}

/* req: rfc8995-4.1-p2, rfc8995-4.1-p3 */
void
pledge_schedule(struct berth_pledge *pledge, struct berth_now now)
{
	if (pledge_schedule_deadline(pledge).ms > now.mono.ms) {
		return;
	}
	/* Found before room is made: the one that makes room shall wait behind the others. */
	struct pledge_candidate *candidate =
		&pledge->candidates[first_idle(pledge) - pledge->candidates];
	if (!has_free_slot(pledge)) {
		pledge_attempt_drop(pledge, &pledge->attempts[stalest(pledge) - pledge->attempts],
				    now);
	}
	const uint32_t jitter_ms = berth_random_below(
		&pledge->env.random, BERTH_PLEDGE_SPACING_MAX_MS - BERTH_PLEDGE_SPACING_MIN_MS + 1);
	pledge->next_start =
		berth_mono_after_ms(now.mono, BERTH_PLEDGE_SPACING_MIN_MS + (int64_t)jitter_ms);
	pledge_attempt_start(pledge, free_slot(pledge), candidate, now);
}

/* req: rfc8995-4.1-p5 */
void
pledge_link_changed(struct berth_pledge *pledge, struct berth_now now)
{
	if (pledge->chosen) {
		return; /* its connection shows by itself whether it still holds */
	}
	for (size_t i = 0; i < BERTH_PLEDGE_ATTEMPTS_MAX; i++) {
		if (pledge->attempts[i].id) {
			pledge_attempt_drop(pledge, &pledge->attempts[i], now);
		}
	}
	for (size_t i = 0; i < BERTH_PLEDGE_CANDIDATES_MAX; i++) {
		pledge->candidates[i].failures = 0;
		pledge->candidates[i].not_before = now.mono;
	}
	pledge->next_start = now.mono;
}
