/* fuzz: berth_dpp_kept_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read is whole: a Connector comes with its keys, and what was read is sealed and opened to the same. */
#include "role/device/dpp_kept.h"

#include <stdlib.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_why why = {0};
	BERTH_DPP_KEPT kept = {0};

	if (pki == NULL && berth_pki_open(&pki, NULL))
		abort();
	if (berth_dpp_kept_parse(pki, berth_bytes_of(data, size), &kept, &why)) {
		fuzz_assert(why.rule != NULL && kept.profile.p == NULL && kept.scalar.p == NULL);
		return 0;
	}
	fuzz_assert((kept.connector.n > 0) == (kept.scalar.n > 0));
	fuzz_assert(kept.profile.n + kept.connector.n + kept.scalar.n < size);
	if (kept.has_pp_key)
		fuzz_assert(kept.e_id.curve == kept.pp_key.curve);
	return 0;
}
