/* SPDX-License-Identifier: BSD-2-Clause */
#define OPENSSL_SUPPRESS_DEPRECATED /* RAND_set_rand_method: here and in tests/golden, nowhere else */

#include "sim.h"

#include <openssl/rand.h>

#include "system/random.h"

/* splitmix64: also a small seed gives good numbers at once. */
static uint64_t
next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void
sim_random_fill(void *context, uint8_t *out, size_t n)
{
	for (size_t i = 0; i < n; i += 8) {
		uint64_t word = next(context);
		memcpy(out + i, &word, n - i < 8 ? n - i : 8);
	}
}

static uint64_t openssl_state;

static int
seeded_bytes(unsigned char *out, int n)
{
	sim_random_fill(&openssl_state, out, (size_t)n);
	return 1;
}

static int
seeded_status(void)
{
	return 1;
}

static uint64_t system_state;

/* In place of the kernel's: a device names its keys by it. */
struct berth_random
berth_system_random(void)
{
	return (struct berth_random){sim_random_fill, &system_state};
}

void
sim_random_start(uint64_t seed)
{
	static const RAND_METHOD seeded = {
		.bytes = seeded_bytes, .pseudorand = seeded_bytes, .status = seeded_status};
	system_state = seed ^ 0x3333333333333333ULL;
	openssl_state = seed ^ 0x0f0f0f0f0f0f0f0fULL;
	sim_must(RAND_set_rand_method(&seeded) == 1 ? BERTH_OK : BERTH_E_CRYPTO, NULL, "random");
}

uint32_t
sim_below(struct sim *sim, uint32_t n)
{
	return berth_random_below(&sim->random, n);
}

bool
sim_chance(struct sim *sim, uint32_t in, uint32_t of)
{
	return sim_below(sim, of) < in;
}

bool
sim_fault(struct sim *sim, enum sim_fault fault, uint32_t in, uint32_t of)
{
	if (!sim->has_faults || !sim->has_fault[fault] || !sim_chance(sim, in, of))
		return false;
	sim->faults[fault]++;
	return true;
}

void
sim_trace(struct sim *sim, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t h = sim->trace;
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 1099511628211ULL;
	sim->trace = h;
}
