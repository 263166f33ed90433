/* fuzz: berth_hex_decode */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/hex.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	BERTH_BUF bytes = {0};
	BERTH_BUF again = {0};
	struct berth_why why = {0};

	if (berth_hex_decode(in, &bytes, &why)) {
		fuzz_assert(bytes.n == 0 && why.rule && why.offset <= size);
		return 0;
	}
	fuzz_assert(bytes.n * 2 == size && !berth_hex_encode(berth_buf_view(&bytes), &again));
	fuzz_assert(berth_bytes_equal_nocase(berth_buf_view(&again), in));
	return 0;
}
