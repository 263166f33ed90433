/* fuzz: berth_request_file_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Never more out than in, and DER passes as it is. */
#include "role/factory/request_file.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	if (berth_request_file_parse(berth_bytes_of(data, size), &der, &why)) {
		fuzz_assert(why.rule && why.sentence[0]);
		return 0;
	}
	fuzz_assert(der.n <= size);
	fuzz_assert(data[0] != 0x30 || der.n == size);
	return 0;
}
