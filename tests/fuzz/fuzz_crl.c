/* fuzz: berth_crl_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever is read can be looked through, and every view lies inside its limits. */
#include "pki/crl.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_why why = {0};
	BERTH_CRL *crl = NULL;

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (berth_crl_parse(pki, berth_bytes_of(data, size), &crl, &why)) {
		fuzz_assert(crl == NULL && why.rule != NULL);
		return 0;
	}
	fuzz_assert(berth_crl_entry_count(crl) < size);
	fuzz_assert(berth_crl_distribution_point(crl).n < size);
	fuzz_assert(berth_crl_aki_key_id(crl).n < size);
	fuzz_assert(berth_crl_next_update(crl).s != 0 || berth_crl_this_update(crl).s != 0);
	return 0;
}
