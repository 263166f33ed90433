/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Somebody between two machines of DPP, who does with their frames what an input says: lets them pass, to either side, once or
 * often, in any order; alters or cuts them; lets time pass.
 *
 *	input: commands of 4 octets: what and to which side, which frame, place, bits
 */
#ifndef BERTH_TESTS_DPP_BETWEEN_H
#define BERTH_TESTS_DPP_BETWEEN_H

#include "base/bytes.h"
#include "base/time.h"
#include "codec/dpp_frame.h"

#define DPP_BETWEEN_COMMANDS_MAX 64
#define DPP_BETWEEN_FRAMES_MAX 24

struct dpp_between {
	/* Takes the frame, then says all that it has to say (dpp_between_said). */
	void (*take)(struct dpp_between *between, int side, const struct berth_dpp_frame *frame);
	void (*tick)(struct dpp_between *between, int side);
	struct berth_buf frames[DPP_BETWEEN_FRAMES_MAX];
	size_t frame_count;
	struct berth_mono now;
};

/* Beyond the last place a frame is lost. */
void dpp_between_said(struct dpp_between *between, struct berth_bytes body);
void dpp_between_run(struct dpp_between *between, const uint8_t *data, size_t size);
void dpp_between_end(struct dpp_between *between);

#endif
