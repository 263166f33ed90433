/* fuzz: berth_est_body_decode */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What was decoded can be said again in both layouts, and is decoded the same. */
#include "protocol/est/body.h"

#include "fuzz.h"

static void
say_again(const struct berth_buf *der, enum berth_est_layout layout)
{
	BERTH_BUF body = {0};
	BERTH_BUF again = {0};

	fuzz_assert(berth_est_body_encode(berth_buf_view(der), layout, &body) == BERTH_OK);
	if (body.n == 0 || body.n > BERTH_EST_REQUEST_BODY_MAX_BYTES)
		return;
	fuzz_assert(berth_est_body_decode(berth_buf_view(&body), &again, NULL) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(berth_buf_view(&again), berth_buf_view(der)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	if (berth_est_body_decode(berth_bytes_of(data, size), &der, &why)) {
		fuzz_assert(why.rule != NULL && der.n == 0);
		return 0;
	}
	fuzz_assert(der.n <= size);
	say_again(&der, BERTH_EST_LAYOUT_LINE);
	say_again(&der, BERTH_EST_LAYOUT_WRAPPED);
	return 0;
}
