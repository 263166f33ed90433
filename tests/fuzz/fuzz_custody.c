/* fuzz: berth_custody_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What comes out is ordered, without forks, and each unit's chain ends at the manufacturer. */
#include "protocol/manifest/custody.h"

#include "fuzz.h"

#define ARENA_BYTES ((size_t)4 << 20)

/* A file's length names it, so that small inputs make chains, and loops too. */
static enum berth_err
by_length(void *context, struct berth_bytes in, uint8_t out[BERTH_DIGEST_BYTES])
{
	(void)context;
	memset(out, 0, BERTH_DIGEST_BYTES);
	out[0] = (uint8_t)(in.n >> 8);
	out[1] = (uint8_t)in.n;
	return BERTH_OK;
}

static void
check_chain(const struct berth_custody *custody, const struct berth_custody_unit *unit)
{
	const struct berth_custody_link *chain[BERTH_CUSTODY_DEPTH_MAX];
	struct berth_manifest_holder had = {0};
	size_t n = berth_custody_chain(unit, chain);
	fuzz_assert(n <= custody->link_count && unit->made);
	for (size_t i = 0; i < n; i++) {
		const struct berth_manifest *m = &chain[i]->manifest;
		fuzz_assert((i == 0) == (m->kind != BERTH_MANIFEST_TRANSFER));
		fuzz_assert(i == 0 || memcmp(had.key_sha256, m->from.key_sha256,
					     sizeof(had.key_sha256)) == 0);
		fuzz_assert(berth_manifest_hand(m, &had));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct berth_digest digest = {.sha256 = by_length};
	BERTH_ARENA arena;
	struct berth_custody custody = {0};
	struct berth_why why = {0};

	berth_arena_start(&arena, ARENA_BYTES);
	if (berth_custody_parse(berth_bytes_of(data, size), &digest, &arena, &custody, &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return 0;
	}
	fuzz_assert(custody.link_count > 0 && custody.link_count <= BERTH_CUSTODY_LINKS_MAX);
	for (size_t i = 0; i < custody.link_count; i++)
		fuzz_assert(!custody.links[i].before ||
			    custody.links[i].before < &custody.links[i]);
	for (size_t i = 0; i < custody.unit_count; i++)
		check_chain(&custody, &custody.units[i]);
	return 0;
}
