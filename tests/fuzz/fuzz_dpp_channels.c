/* fuzz: berth_dpp_channels_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/dpp_channel.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint32_t mhz[BERTH_DPP_CHANNELS_MAX] = {0};
	struct berth_why why = {0};
	size_t n = 0;

	if (berth_dpp_channels_parse(berth_bytes_of(data, size), mhz, &n, &why)) {
		fuzz_assert(why.rule != NULL && n == 0 && why.offset <= size);
		return 0;
	}
	fuzz_assert(n <= BERTH_DPP_CHANNELS_MAX);
	for (size_t i = 0; i < n; i++)
		fuzz_assert(mhz[i] >= 2412 && mhz[i] <= 69120);
	return 0;
}
