/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/random.h"

#include <assert.h>

uint32_t
berth_random_below(const struct berth_random *random, uint32_t below)
{
	assert(below > 0);
	/* 2^32 mod below: values under it would make the small results likelier */
	uint32_t skip = (UINT32_MAX - below + 1) % below;

	for (;;) {
		uint8_t wire[4];

		berth_random_fill(random, wire, sizeof(wire));
		uint32_t v = (uint32_t)wire[0] << 24 | (uint32_t)wire[1] << 16 |
			     (uint32_t)wire[2] << 8 | wire[3];

		if (v >= skip) {
			return v % below;
		}
	}
}
