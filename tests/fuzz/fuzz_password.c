/* fuzz: berth_password_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of the users' file. */
#include "pki/password.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_password password = {0};
	struct berth_why why = {0};
	if (berth_password_parse(berth_bytes_of(data, size), &password, &why)) {
		fuzz_assert(why.rule != NULL && password.cost == 0);
		return 0;
	}
	fuzz_assert(password.cost >= 10 && password.cost <= BERTH_PASSWORD_COST_MAX);
	return 0;
}
