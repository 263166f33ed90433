/* fuzz: berth_manifest_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is parsed encodes; its encoding, with a signature line, parses to the same encoding. */
#include "protocol/manifest/manifest.h"

#include "fuzz.h"

#define ARENA_BYTES ((size_t)4 << 20)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_ARENA arena;
	BERTH_BUF first = {0};
	BERTH_BUF second = {0};
	struct berth_manifest m;
	struct berth_bytes signature = BERTH_BYTES_NONE;
	size_t signed_bytes = 0;
	struct berth_why why = {0};

	berth_arena_start(&arena, ARENA_BYTES);
	if (berth_manifest_parse(berth_bytes_of(data, size), &arena, &m, &signature, &signed_bytes,
				 &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return 0;
	}
	fuzz_assert(signed_bytes > 0 && signed_bytes < size);
	fuzz_assert(m.kind != BERTH_MANIFEST_SALE || m.has_owner);
	fuzz_assert(!berth_manifest_encode(&m, &first, &why));
	size_t lines = first.n;
	fuzz_assert(!berth_buf_append_text(&first, "{\"signature\":\"AAAA\"}\n"));
	fuzz_assert(!berth_manifest_parse(berth_buf_view(&first), &arena, &m, NULL, &signed_bytes,
					  &why));
	fuzz_assert(signed_bytes == lines);
	fuzz_assert(!berth_manifest_encode(&m, &second, &why));
	fuzz_assert(second.n == lines && memcmp(first.p, second.p, lines) == 0);
	return 0;
}
