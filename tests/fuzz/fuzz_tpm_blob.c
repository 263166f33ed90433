/* fuzz: berth_tpm_blob_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/tpm_blob.h"

#include <string.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_tpm_blob blob = {0};
	struct berth_tpm_blob again = {0};
	struct berth_why why = {0};
	BERTH_BUF pem = {0};

	if (berth_tpm_blob_parse(berth_bytes_of(data, size), &blob, &why)) {
		fuzz_assert(why.rule != NULL && blob.public_n == 0 && blob.private_n == 0);
		return 0;
	}
	fuzz_assert(berth_tpm_blob_encode(&blob, &pem, &why) == BERTH_OK);
	fuzz_assert(berth_tpm_blob_parse(berth_buf_view(&pem), &again, &why) == BERTH_OK);
	fuzz_assert(again.parent == blob.parent && again.public_n == blob.public_n &&
		    again.private_n == blob.private_n &&
		    memcmp(again.public, blob.public, blob.public_n) == 0 &&
		    memcmp(again.private, blob.private, blob.private_n) == 0);
	return 0;
}
