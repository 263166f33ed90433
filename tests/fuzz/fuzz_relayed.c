/* fuzz: berth_relayed_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What a gateway reports. What is read is written and read the same again. */
#include "protocol/gateway/relayed.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_relayed relayed, again;
	uint8_t random[BERTH_TLS_RANDOM_BYTES];
	BERTH_BUF json = {0};
	struct berth_why why = {0};
	if (berth_relayed_hello(berth_bytes_of(data, size), random))
		fuzz_assert(size >= BERTH_GATEWAY_HELLO_BYTES);
	enum berth_err err = berth_relayed_parse(berth_bytes_of(data, size), &relayed, &why);
	fuzz_assert(err == BERTH_OK || (why.err == err && why.rule != NULL));
	if (err)
		return 0;
	fuzz_assert(berth_relayed_build(&relayed, &json, NULL) == BERTH_OK);
	fuzz_assert(berth_relayed_parse(berth_buf_view(&json), &again, NULL) == BERTH_OK);
	fuzz_assert(again.count == relayed.count &&
		    memcmp(again.random, relayed.random, relayed.count * sizeof(random)) == 0);
	return 0;
}
