/* fuzz: berth_revocation_url_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* Whatever is accepted names a host and a port, and could not be a file, a socket or another header line. */
#include "protocol/brski/revocation.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_revocation_url url;
	struct berth_why why = {0};

	if (berth_revocation_url_parse(berth_bytes_of(data, size), &url, &why)) {
		fuzz_assert(why.rule != NULL);
		return 0;
	}
	fuzz_assert(url.host[0] != '\0' && url.host[0] != '/' && url.port > 0);
	fuzz_assert(strpbrk(url.host, "/@ \r\n?#[]") == NULL);
	fuzz_assert(url.path[0] == '/' && strpbrk(url.path, " \r\n?#") == NULL);
	fuzz_assert(strpbrk(url.query, " \r\n#") == NULL);
	return 0;
}
