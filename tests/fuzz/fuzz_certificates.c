/* fuzz: berth_cert_list_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/certificate.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_why why = {0};
	BERTH_CERT_LIST list = {0};
	BERTH_CERT_LIST again = {0};
	BERTH_BUF pem = {0};

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (berth_cert_list_parse(pki, berth_bytes_of(data, size), &list, &why)) {
		fuzz_assert(list.n == 0 && why.rule != NULL);
		return 0;
	}
	fuzz_assert(list.n > 0 && list.n <= BERTH_CERT_LIST_MAX);
	for (size_t i = 0; i < list.n; i++)
		fuzz_assert(berth_cert_append_pem(list.at[i], &pem) == BERTH_OK);
	fuzz_assert(berth_cert_list_parse(pki, berth_buf_view(&pem), &again, NULL) == BERTH_OK);
	fuzz_assert(again.n == list.n && berth_cert_list_has(&again, list.at[0]));
	return 0;
}
