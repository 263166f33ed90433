/* fuzz: berth_base64_decode berth_base64url_decode */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Strict base64 has one encoding for each byte string. */
#include "base/base64.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	BERTH_BUF strict = {0};
	BERTH_BUF loose = {0};
	BERTH_BUF again = {0};
	BERTH_BUF url = {0};
	BERTH_BUF url_again = {0};
	struct berth_why why = {0};

	if (berth_base64url_decode(in, &url, &why)) {
		fuzz_assert(url.n == 0 && why.rule);
	} else {
		fuzz_assert(!berth_base64url_encode(berth_buf_view(&url), &url_again));
		fuzz_assert(berth_bytes_equal(berth_buf_view(&url_again), in));
	}
	if (berth_base64_decode(in, false, &strict, &why)) {
		fuzz_assert(strict.n == 0 && why.rule && why.offset <= size);
		berth_ignore(berth_base64_decode(in, true, &loose, NULL), "must only not crash");
		return 0;
	}
	fuzz_assert(!berth_base64_decode(in, true, &loose, NULL));
	fuzz_assert(berth_bytes_equal(berth_buf_view(&strict), berth_buf_view(&loose)));
	fuzz_assert(!berth_base64_encode(berth_buf_view(&strict), 0, &again));
	fuzz_assert(berth_bytes_equal(berth_buf_view(&again), in));
	return 0;
}
