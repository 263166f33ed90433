/* fuzz: berth_tls_shape_check */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What the TLS key would sign for a net process that was taken over: only these lengths can pass. */
#include "role/daemon/tls_shape.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_why why;
	const size_t verify = 64 + 33 + 1;
	static const size_t points[] = {65, 97, 133, 32, 56};

	if (berth_tls_shape_check(berth_bytes_of(data, size), &why)) {
		fuzz_assert(why.rule != NULL);
		return 0;
	}
	bool is_known = size == verify + 32 || size == verify + 48;
	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		is_known |= size == 68 + points[i] && data[64] == 3;
	}
	fuzz_assert(is_known);
	return 0;
}
