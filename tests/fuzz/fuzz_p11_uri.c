/* fuzz: berth_p11_uri_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/p11_uri.h"

#include <string.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[BERTH_KEY_URI_MAX];
	struct berth_p11_uri uri = {0};
	struct berth_why why = {0};

	if (size >= sizeof(text) || memchr(data, 0, size) != NULL)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (berth_p11_uri_parse(text, &uri, &why)) {
		fuzz_assert(why.rule != NULL && uri.module[0] == '\0');
		return 0;
	}
	fuzz_assert(uri.module[0] == '/' && uri.token[0] != '\0' && uri.object[0] != '\0');
	fuzz_assert(uri.pin_file[0] == '\0' || uri.pin_file[0] == '/');
	return 0;
}
