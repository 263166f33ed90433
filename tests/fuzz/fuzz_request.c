/* fuzz: berth_request_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/request.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_pki *pki;
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_why why = {0};
	BERTH_REQUEST *request = NULL;

	fuzz_assert(pki != NULL || berth_pki_open(&pki, NULL) == BERTH_OK);
	if (berth_request_parse(pki, in, &request, &why)) {
		fuzz_assert(request == NULL && why.rule != NULL);
		return 0;
	}
	fuzz_assert(berth_bytes_equal(berth_request_der(request), in));
	fuzz_assert(berth_bytes_is_utf8(berth_request_subject_serial_number(request)));
	for (size_t i = 0; i < BERTH_REQUEST_NAMES_MAX; i++)
		fuzz_assert(berth_bytes_is_printable(berth_request_dns_name(request, i)));
	fuzz_assert(berth_request_dns_name(request, BERTH_REQUEST_NAMES_MAX).n == 0);
	return 0;
}
