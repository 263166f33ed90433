/* fuzz: berth_masa_url_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What was understood, written out in full, is understood the same. */
#include "protocol/brski/masa_url.h"

#include <stdio.h>
#include <string.h>

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_masa_url url = {0};
	struct berth_masa_url again = {0};
	struct berth_why why = {0};
	char text[BERTH_MASA_URL_MAX];

	if (berth_masa_url_parse(berth_bytes_of(data, size), &url, &why)) {
		fuzz_assert(why.rule != NULL && url.host[0] == '\0');
		return 0;
	}
	fuzz_assert(url.host[0] != '\0' && url.port != 0);
	fuzz_assert(url.path[0] == '/' && url.path[strlen(url.path) - 1] != '/');
	/* nothing that could end a Host header or a request line */
	fuzz_assert(strpbrk(url.host, " /?#@\\\r\n") == NULL);
	fuzz_assert(strpbrk(url.path, " ?#@\\\r\n") == NULL);
	int n = snprintf(text, sizeof(text), "https://[%s]:%u%s", url.host, url.port, url.path);
	fuzz_assert(n > 0 && (size_t)n < sizeof(text));
	fuzz_assert(berth_masa_url_parse(berth_text(text), &again, NULL) == BERTH_OK);
	fuzz_assert(strcmp(again.host, url.host) == 0 && again.port == url.port &&
		    strcmp(again.path, url.path) == 0);
	return 0;
}
