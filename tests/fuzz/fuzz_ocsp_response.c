/* fuzz: berth_ocsp_response_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Read or refused with a reason; never both. */
#include "pki/ocsp.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_why why = {0};
	BERTH_OCSP_RESPONSE *response = NULL;

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (berth_ocsp_response_parse(pki, berth_bytes_of(data, size), &response, &why))
		fuzz_assert(response == NULL && why.rule != NULL);
	return 0;
}
