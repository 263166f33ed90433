/* SPDX-License-Identifier: BSD-2-Clause */
#include "support/dpp_between.h"

#include <stdlib.h>

#define COMMAND_BYTES 4
#define STEP_MS 100

void
dpp_between_said(struct dpp_between *b, struct berth_bytes body)
{
	if (b->frame_count == DPP_BETWEEN_FRAMES_MAX)
		return;
	if (berth_buf_append_bytes(&b->frames[b->frame_count++], body))
		abort();
}

static void
deliver(struct dpp_between *b, int side, struct berth_bytes body)
{
	struct berth_dpp_frame frame;

	if (berth_dpp_frame_parse(body, &frame, NULL) == BERTH_OK)
		b->take(b, side, &frame);
}

static void
command(struct dpp_between *b, const uint8_t *c)
{
	int side = c[0] & 1;
	const struct berth_buf *frame =
		b->frame_count == 0 ? NULL : &b->frames[c[1] % b->frame_count];
	BERTH_BUF altered = {0};

	switch (c[0] >> 1 & 3) {
	case 0: /* as it is */
		if (frame != NULL)
			deliver(b, side, berth_buf_view(frame));
		break;
	case 1: /* altered, at a place of 12 bits */
		if (frame == NULL)
			break;
		if (berth_buf_append_bytes(&altered, berth_buf_view(frame)))
			abort();
		altered.p[(c[2] | (c[0] & 0x78U) << 5) % altered.n] ^= c[3];
		deliver(b, side, berth_buf_view(&altered));
		break;
	case 2: /* cut off */
		if (frame != NULL)
			deliver(b, side, berth_bytes_of(frame->p, c[2] % frame->n));
		break;
	case 3: /* time passes */
		b->now.ms += (int64_t)c[2] * STEP_MS;
		b->tick(b, side);
		break;
	}
}

void
dpp_between_run(struct dpp_between *b, const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < DPP_BETWEEN_COMMANDS_MAX && COMMAND_BYTES * (i + 1) <= size; i++)
		command(b, data + COMMAND_BYTES * i);
}

void
dpp_between_end(struct dpp_between *b)
{
	for (size_t i = 0; i < b->frame_count; i++)
		berth_buf_free(&b->frames[i]);
}
