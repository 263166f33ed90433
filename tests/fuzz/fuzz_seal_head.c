/* fuzz: berth_seal_head_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/seal.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_seal_head head = {0};
	struct berth_why why = {0};

	if (berth_seal_head_parse(berth_bytes_of(data, size), &head, &why)) {
		fuzz_assert(why.rule != NULL && head.log2_n == 0);
		return 0;
	}
	fuzz_assert(size == BERTH_SEAL_HEAD_BYTES);
	/* what it may make us spend */
	fuzz_assert(head.log2_n <= 18 && head.r == 8 && head.p >= 1 && head.p <= 4);
	return 0;
}
