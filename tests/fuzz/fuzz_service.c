/* fuzz: berth_service_text_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/dns_sd.h"

#include <string.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_service service;
	struct berth_why why = {0};

	memset(&service, 0, sizeof service);
	if (berth_service_text_parse(berth_bytes_of(data, size), &service, &why)) {
		fuzz_assert(why.rule && service.text_count == 0);
		return 0;
	}
	fuzz_assert(service.text_count <= BERTH_SERVICE_TEXT_MAX);
	for (size_t i = 0; i < service.text_count; i++) {
		struct berth_bytes string = berth_text(service.text[i]);

		fuzz_assert(string.n > 0 && string.n < BERTH_SERVICE_TEXT_STRING_MAX);
		fuzz_assert(string.p[0] != '=' && berth_bytes_is_printable(string));
	}
	const char *path = berth_service_text(&service, "path");
	fuzz_assert(!path || strlen(path) < BERTH_SERVICE_TEXT_STRING_MAX);
	return 0;
}
