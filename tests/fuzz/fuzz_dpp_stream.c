/* fuzz: berth_dpp_stream_take */
/* SPDX-License-Identifier: BSD-2-Clause */
/* However a stream is cut, the same bodies come out of it and the same fault ends it, and no octet is asked for in vain. */
#include "net/dpp_stream.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes left = berth_bytes_of(data, size);

	while (left.n > 0) {
		struct berth_bytes body, part;
		struct berth_why why = {0};
		size_t wanted = 0;
		size_t wanted_of_part = 0;
		enum berth_err err = berth_dpp_stream_take(left, &wanted, &body, &why);
		if (err) {
			fuzz_assert(why.rule != NULL && body.n == 0);
			return 0;
		}
		if (wanted > left.n)
			return 0;
		fuzz_assert(body.n > 0 && body.n + BERTH_DPP_LENGTH_BYTES == wanted);
		for (size_t n = 0; n < wanted; n = wanted_of_part) {
			fuzz_assert(berth_dpp_stream_take(berth_bytes_of(left.p, n),
							  &wanted_of_part, &part,
							  &why) == BERTH_OK);
			fuzz_assert(part.n == 0 && wanted_of_part > n && wanted_of_part <= wanted);
		}
		fuzz_assert(berth_dpp_stream_take(berth_bytes_of(left.p, wanted), &wanted_of_part,
						  &part, &why) == BERTH_OK);
		fuzz_assert(berth_bytes_equal(part, body));
		left = berth_bytes_of(left.p + wanted, left.n - wanted);
	}
	return 0;
}
