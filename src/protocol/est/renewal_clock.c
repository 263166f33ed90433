/* SPDX-License-Identifier: BSD-2-Clause */
/* When to act, with a clock that may be wrong, missing, or set while the device sleeps. */
#include "protocol/est/renewal_internal.h"

/* Clocks that nobody sets drift by minutes; and a certificate may begin where ours already is. */
#define CLOCK_TOLERANCE_S 600

/* Two bytes of a mistake, not of an attack: a life beyond this is counted as this. */
#define LIFE_MAX_S ((int64_t)100 * 365 * 86400)

static int64_t
between(int64_t value, int64_t least, int64_t most)
{
	const int64_t above = value < least ? least : value;
	return above > most ? most : above;
}

static int64_t
life_s(const struct berth_renewal *x)
{
	return between(berth_cert_not_after(x->chain.at[0]).s - x->begins.s, 1, LIFE_MAX_S);
}

/* Uniform in [0, most]. */
static int64_t
draw(struct berth_renewal *x, int64_t most)
{
	uint8_t bytes[8];
	uint64_t value = 0;
	if (most <= 0) {
		return 0;
	}
	berth_random_fill(&x->env.random, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		value = value << 8 | bytes[i];
	}
	return (int64_t)(value % ((uint64_t)most + 1)); /* jitter: the bias of 2^-20 is no matter */
}

int64_t
renewal_jitter_ms(struct berth_renewal *x, int64_t most_ms)
{
	return draw(x, most_ms);
}

enum renewal_clock
renewal_clock(const struct berth_renewal *x, struct berth_now now, struct berth_wall *ret)
{
	struct berth_wall time = now.wall;
	if (x->has_clock) {
		time.s = x->clock_wall.s + (now.mono.ms - x->clock_mono.ms) / 1000;
	} else if (!now.wall_is_trusted || x->doubts_clock) {
		return RENEWAL_CLOCK_UNKNOWN;
	}
	*ret = time;
	if (time.s < berth_cert_not_before(x->chain.at[0]).s - CLOCK_TOLERANCE_S) {
		return RENEWAL_CLOCK_UNKNOWN; /* it was made in the past, so this is no time of day */
	}
	return time.s > berth_cert_not_after(x->chain.at[0]).s ? RENEWAL_CLOCK_AFTER
							       : RENEWAL_CLOCK_WITHIN;
}

void
renewal_clock_plan(struct berth_renewal *x, struct berth_now now, bool is_fresh)
{
	struct berth_wall time = {0};
	if (is_fresh) {
		x->has_used = x->has_window;
		x->used = x->window;
		/* Registrars date certificates back for slow clocks: its life began now, if we know when that is. */
		x->begins = renewal_clock(x, now, &time) == RENEWAL_CLOCK_WITHIN
				    ? time
				    : berth_cert_not_before(x->chain.at[0]);
	}
	x->has_window = false;
	const int64_t life = life_s(x);
	const int64_t wait_s = life - life / 3 + draw(x, life / BERTH_RENEWAL_JITTER_PART);
	x->renew_at = (struct berth_wall){x->begins.s + wait_s};
	x->has_renew_mono = is_fresh;
	x->renew_mono = berth_mono_after_ms(now.mono, wait_s * 1000);
}

/* A clock that agrees with the registrar's goes on through sleep and being set; else ours counts from here. */
static void
take_clock(struct berth_renewal *x, struct berth_now now, struct berth_wall theirs)
{
	const int64_t apart = between(theirs.s - now.wall.s, -LIFE_MAX_S, LIFE_MAX_S);
	const bool agrees =
		now.wall_is_trusted && apart >= -CLOCK_TOLERANCE_S && apart <= CLOCK_TOLERANCE_S;
	if (!agrees && now.wall_is_trusted && !x->has_clock) {
		struct berth_why why;
		berth_ignore(berth_fail(&why, BERTH_E_MISMATCH, "est-renewal-clock", NULL,
					"the device's clock is %lld s away from the registrar's: "
					"the registrar's counts",
					(long long)-apart),
			     "the note tells");
		renewal_note(x, BERTH_RENEWAL_NOTE_CLOCK, &why);
	}
	x->has_clock = !agrees;
	x->doubts_clock = false;
	x->clock_wall = theirs;
	x->clock_mono = now.mono;
}

static bool
is_same_window(const struct berth_renewal_info *a, const struct berth_renewal_info *b)
{
	return a->start.s == b->start.s && a->end.s == b->end.s;
}

/*
 * A moment that was drawn before holds where the new window has it too, and where it has come while the new window is
 * open: a registrar whose window begins whenever it is asked would else put it off for ever.
 */
static bool
drawn_holds(const struct berth_renewal *x, struct berth_now now,
	    const struct berth_renewal_info *info)
{
	struct berth_wall time = {0};
	if (!x->has_window || x->wanted_at.s > info->end.s) {
		return false;
	}
	const bool has_come = renewal_clock(x, now, &time) != RENEWAL_CLOCK_UNKNOWN &&
			      x->wanted_at.s <= time.s && info->start.s <= time.s;
	return x->wanted_at.s >= info->start.s || has_come;
}

/* req: renewal-info-window */
bool
renewal_clock_advise(struct berth_renewal *x, struct berth_now now,
		     const struct berth_renewal_info *info)
{
	if (info->has_now) {
		take_clock(x, now, info->now);
	}
	/* One draw for one window, or every question would draw an earlier moment. */
	if (x->has_window && is_same_window(&x->window, info)) {
		return false;
	}
	const bool holds = drawn_holds(x, now, info);
	x->has_window = true;
	x->window = *info;
	if (holds) {
		return true;
	}
	x->wanted_at = (struct berth_wall){info->start.s + draw(x, info->end.s - info->start.s)};
	return true;
}

/*
 * The earlier of our own plan and the advice: who could put it off could let the certificate end. A window that led to
 * this certificate already, or was over before it, would have it renewed for ever.
 */
static struct berth_wall
planned(const struct berth_renewal *x)
{
	const bool counts = x->has_window && x->window.end.s >= x->begins.s &&
			    !(x->has_used && is_same_window(&x->window, &x->used));
	return counts && x->wanted_at.s < x->renew_at.s ? x->wanted_at : x->renew_at;
}

bool
renewal_is_due(const struct berth_renewal *x, struct berth_now now)
{
	struct berth_wall time = {0};
	if (renewal_clock(x, now, &time) != RENEWAL_CLOCK_UNKNOWN) {
		return time.s >= planned(x).s;
	}
	return !x->has_renew_mono || now.mono.ms >= x->renew_mono.ms;
}

struct berth_mono
renewal_due_at(const struct berth_renewal *x, struct berth_now now)
{
	struct berth_wall time = {0};
	if (renewal_clock(x, now, &time) != RENEWAL_CLOCK_UNKNOWN) {
		const int64_t left = between(planned(x).s - time.s, 0, LIFE_MAX_S);
		return berth_mono_after_ms(now.mono, left * 1000);
	}
	return x->has_renew_mono ? x->renew_mono : now.mono;
}

int64_t
renewal_pause_ms(const struct berth_renewal *x)
{
	return between(life_s(x) / 100, 1, BERTH_RENEWAL_BACKOFF_FIRST_MAX_S) * 1000;
}

int64_t
renewal_backoff_ms(struct berth_renewal *x)
{
	const int64_t life = life_s(x);
	const int64_t most = between(life / 10, 10, BERTH_RENEWAL_BACKOFF_MAX_S) * 1000;
	int64_t wait_ms = renewal_pause_ms(x);
	for (unsigned i = 1; i < x->failures && wait_ms < most; i++) {
		wait_ms *= 2;
	}
	wait_ms = between(wait_ms, 1000, most);
	/* Three to five quarters of it: whoever lost the same registrar at the same time comes back apart. */
	return wait_ms - wait_ms / 4 + draw(x, wait_ms / 2);
}
