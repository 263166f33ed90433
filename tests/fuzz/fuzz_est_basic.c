/* fuzz: berth_est_basic_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What anybody may write into Authorization. */
#include "protocol/est/basic.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_EST_BASIC basic = {0};
	struct berth_why why = {0};
	if (berth_est_basic_parse(berth_bytes_of(data, size), &basic, &why)) {
		fuzz_assert(why.rule != NULL && basic.user.n == 0 && basic.password.n == 0);
		return 0;
	}
	fuzz_assert(basic.user.n > 0 && basic.user.n <= BERTH_EST_USER_MAX && basic.password.n > 0);
	fuzz_assert(memchr(basic.user.p, ':', basic.user.n) == NULL);
	fuzz_assert(basic.user.n + 1 + basic.password.n == basic.text.n);
	return 0;
}
