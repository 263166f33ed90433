/* fuzz: berth_sign_voucher_decode */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What a judge can send its signer: read whole or refused, and what is read encodes to something that reads the same. */
#include "role/masa/masa_signing.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_sign_voucher first = {.signing_time = {-7}};
	struct berth_sign_voucher again = {0};
	struct berth_why why = {0};
	BERTH_BUF payload = {0};

	if (berth_sign_voucher_decode(berth_bytes_of(data, size), &first, &why)) {
		fuzz_assert(first.signing_time.s == -7 && why.rule);
		return 0;
	}
	fuzz_assert(berth_sign_voucher_encode(&first, &payload) == BERTH_OK);
	fuzz_assert(berth_sign_voucher_decode(berth_buf_view(&payload), &again, &why) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(first.json, again.json) &&
		    first.signing_time.s == again.signing_time.s);
	return 0;
}
