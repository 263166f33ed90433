/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Randomness is handed in, never fetched: system/random.h gives the kernel's, tests a seeded one.
 */
#ifndef BERTH_BASE_RANDOM_H
#define BERTH_BASE_RANDOM_H

#include "base/bytes.h"

struct berth_random {
	/* Fills out; cannot fail (an implementation that cannot deliver ends the process). */
	void (*fill)(void *context, uint8_t *out, size_t n);
	void *context;
};

static inline void
berth_random_fill(const struct berth_random *random, uint8_t *out, size_t n)
{
	random->fill(random->context, out, n);
}

/* Uniform in [0, below), below > 0. */
uint32_t berth_random_below(const struct berth_random *random, uint32_t below);

#endif
