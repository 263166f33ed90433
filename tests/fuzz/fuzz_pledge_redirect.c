/* fuzz: pledge_redirect_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* A Location comes from a registrar that nobody trusts yet. */
#include "protocol/brski/pledge_redirect.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_ARENA arena;
	struct pledge_redirect got;
	struct berth_why why = {0};
	berth_arena_start(&arena, 4096);
	if (pledge_redirect_parse(berth_bytes_of(data, size), &arena, &got, &why)) {
		fuzz_assert(why.rule && why.sentence[0] && why.offset <= size);
		return 0;
	}
	fuzz_assert(got.port != 0 && got.host[0] && memchr(got.host, 0, sizeof(got.host)));
	fuzz_assert(got.path[0] == '/' && strlen(got.path) <= PLEDGE_LOCATION_MAX_BYTES);
	return 0;
}
