/* fuzz: berth_ocsp_request_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/ocsp.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_why why = {0};
	struct berth_ocsp_request request;

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (berth_ocsp_request_parse(pki, berth_bytes_of(data, size), &request, &why)) {
		fuzz_assert(why.rule != NULL);
		return 0;
	}
	fuzz_assert(request.id_count > 0 && request.id_count <= BERTH_OCSP_IDS_MAX);
	fuzz_assert(request.nonce_n <= BERTH_OCSP_NONCE_MAX);
	for (size_t i = 0; i < request.id_count; i++) {
		const struct berth_ocsp_id *id = &request.ids[i];
		fuzz_assert(id->serial_n > 0 && id->serial_n <= BERTH_OCSP_SERIAL_MAX);
		fuzz_assert(id->serial[0] != 0 && id->hash_n <= BERTH_SHA256_BYTES);
	}
	return 0;
}
