/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where and when a device announces itself over the air (DPP 6.2.2), as a pure machine. A round goes over the channels, those
 * first where somebody most likely listens: the ones of its own bootstrapping URI; after a scan, those of access points
 * that tell of a Configurator; then the ones that every Configurator without a better knowledge listens on. On each it
 * speaks once and listens. It goes on for as long as it is let: rounds 30 s apart at first, later less often.
 *
 *	berth_dpp_announce_start
 *	berth_dpp_announce_next -> SPEAK, when that is over berth_dpp_announce_spoken
 *				-> SCAN, berth_dpp_announce_scanned
 *				-> REST until berth_dpp_announce_deadline
 *	somebody answers: berth_dpp_announce_hold; it came to nothing: berth_dpp_announce_resume, which begins where it was
 *
 * No failed attempt leaves anything here but the channel where it was: there it is tried again first.
 */
#ifndef BERTH_PROTOCOL_DPP_ANNOUNCE_H
#define BERTH_PROTOCOL_DPP_ANNOUNCE_H

#include "base/random.h"
#include "base/time.h"

#define BERTH_DPP_ANNOUNCE_CHANNELS_MAX 64 /* of a round; two minutes */
#define BERTH_DPP_ANNOUNCE_LISTEN_MS 2000
#define BERTH_DPP_ANNOUNCE_PAUSE_MS 30000
#define BERTH_DPP_ANNOUNCE_PAUSE_MAX_MS                                                            \
	600000				   /* whoever switches a Configurator on waits no longer */
#define BERTH_DPP_ANNOUNCE_EAGER_ROUNDS 10 /* 30 s apart; then twice as long each time */
#define BERTH_DPP_ANNOUNCE_SCAN_ROUNDS 4   /* a scan in the first of so many */
#define BERTH_DPP_ANNOUNCE_AGAIN_MS 1000   /* after a failed attempt */
#define BERTH_DPP_ANNOUNCE_AGAIN_MAX 5	   /* in a row; then the round goes on */

struct berth_dpp_announce_conf {
	struct berth_random random;
	/* MHz on which the radio may speak first; others are left out. */
	const uint32_t *allowed;
	size_t allowed_count;
	/* MHz of the bootstrapping URI's channels, the best first; may be none. */
	const uint32_t *preferred;
	size_t preferred_count;
	bool prefers_only; /* a test, or a device whose place is known: neither scan nor other channels */
};

struct berth_dpp_announce {
	struct berth_random random;
	uint32_t allowed[2 * BERTH_DPP_ANNOUNCE_CHANNELS_MAX];
	size_t allowed_count;
	uint32_t channels[BERTH_DPP_ANNOUNCE_CHANNELS_MAX]; /* the round's, in order */
	size_t count, preferred_count, at;
	bool prefers_only, wants_scan, is_resting, is_held;
	uint32_t again; /* MHz, 0: none */
	unsigned rounds, again_count;
	struct berth_mono deadline;
};

enum berth_dpp_announce_step_kind {
	BERTH_DPP_ANNOUNCE_SPEAK,
	BERTH_DPP_ANNOUNCE_SCAN,
	BERTH_DPP_ANNOUNCE_REST,
};
struct berth_dpp_announce_step {
	enum berth_dpp_announce_step_kind kind;
	uint32_t frequency; /* SPEAK; then to listen for BERTH_DPP_ANNOUNCE_LISTEN_MS */
};

/* UNSUPPORTED dpp-announce-channels: none of the channels is allowed. */
enum berth_err berth_dpp_announce_start(const struct berth_dpp_announce_conf *conf,
					struct berth_mono now, struct berth_dpp_announce *ret,
					struct berth_why *why) BERTH_MUST;
/* What to do now; the same until it is told that it was done. */
void berth_dpp_announce_next(struct berth_dpp_announce *announce, struct berth_mono now,
			     struct berth_dpp_announce_step *ret);
/* Said and listened, or it could not be said. */
void berth_dpp_announce_spoken(struct berth_dpp_announce *announce, struct berth_mono now);
/* MHz of the access points that tell of a Configurator; none when the scan failed. */
void berth_dpp_announce_scanned(struct berth_dpp_announce *announce, const uint32_t *found,
				size_t n);
/* Somebody has answered on that channel: silence until resume. */
void berth_dpp_announce_hold(struct berth_dpp_announce *announce, uint32_t frequency);
void berth_dpp_announce_resume(struct berth_dpp_announce *announce, struct berth_mono now);
struct berth_mono berth_dpp_announce_deadline(const struct berth_dpp_announce *announce);

#endif
