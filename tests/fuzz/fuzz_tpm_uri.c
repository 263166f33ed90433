/* fuzz: berth_tpm_uri_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/tpm_uri.h"

#include <string.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[BERTH_KEY_URI_MAX];
	struct berth_tpm_uri uri = {0};
	struct berth_why why = {0};

	if (size >= sizeof(text) || memchr(data, 0, size) != NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (berth_tpm_uri_parse(text, &uri, &why)) {
		fuzz_assert(why.rule != NULL && uri.handle == 0 && uri.file[0] == '\0');
		return 0;
	}
	fuzz_assert((uri.handle == 0) == (uri.file[0] == '/'));
	fuzz_assert(uri.handle == 0 || uri.handle >> 24 == 0x81);
	fuzz_assert((uri.hierarchy == BERTH_TPM_PLATFORM) ==
		    (uri.handle >= BERTH_TPM_HANDLE_PLATFORM));
	return 0;
}
