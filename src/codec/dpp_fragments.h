/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GAS over the air (IEEE Std 802.11 11.22.3): an answer too long for one frame comes in fragments, each in a comeback
 * response of its own that has to be asked for. This puts them together to the body that would have come over TCP
 * (codec/dpp_frame.h); everything else goes through as it is. Fragments are not authenticated: a wrong one spoils the answer,
 * which is then asked for anew.
 *
 *	berth_dpp_fragments_take(0d fragment 0, more) -> ASK: comeback request to be sent
 *	berth_dpp_fragments_take(0d fragment 1)	      -> BODY: 0d with all of it
 */
#ifndef BERTH_CODEC_DPP_FRAGMENTS_H
#define BERTH_CODEC_DPP_FRAGMENTS_H

#include "base/bytes.h"

#define BERTH_DPP_FRAGMENTS_MAX 128 /* IEEE Std 802.11 9.6.7.15: a number of seven bits */

struct berth_dpp_fragments {
	struct berth_buf whole;
	struct berth_buf body; /* what was given last */
	unsigned next;	       /* number of the fragment that is waited for; 0: none is open */
	uint8_t dialog;
};

enum berth_dpp_fragments_step {
	BERTH_DPP_FRAGMENTS_BODY, /* for berth_dpp_frame_parse */
	BERTH_DPP_FRAGMENTS_ASK,  /* to be sent */
};

void berth_dpp_fragments_free(struct berth_dpp_fragments *fragments);
/* A new question is asked: what came of the last one's answer is forgotten. */
void berth_dpp_fragments_reset(struct berth_dpp_fragments *fragments);
/*
 * body: from the action octet. *ret lives until the next call, or as long as body. STATE gas-fragment: not the one that is
 * waited for (the one before comes again, as a rule); nothing is changed by it. LIMIT gas-length: more than an answer may
 * have; all is forgotten.
 */
enum berth_err berth_dpp_fragments_take(struct berth_dpp_fragments *fragments,
					struct berth_bytes body,
					enum berth_dpp_fragments_step *step,
					struct berth_bytes *ret, struct berth_why *why) BERTH_MUST;

#endif
