/* fuzz: berth_dpp_uri_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* A code from a label. What is read is written, reads the same again, and has nothing for strict readers to refuse but B and H. */
#include "codec/dpp_uri.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_dpp_uri uri, again;
	struct berth_why why = {0};
	BERTH_BUF text = {0};

	enum berth_err err = berth_dpp_uri_parse(in, &uri, &why);
	for (size_t i = 0; i < 40 && berth_dpp_uri_lint(in, i, &why) != BERTH_OK; i++)
		fuzz_assert(why.rule != NULL);
	if (err || berth_dpp_uri_write(&uri, &text, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return 0;
	}
	fuzz_assert(berth_dpp_uri_parse(berth_buf_view(&text), &again, NULL) == BERTH_OK);
	fuzz_assert(uri.spki_n == again.spki_n && memcmp(uri.spki, again.spki, uri.spki_n) == 0);
	fuzz_assert(uri.channel_count == again.channel_count);
	fuzz_assert(strcmp(uri.information, again.information) == 0);
	fuzz_assert(uri.curves == again.curves && strcmp(uri.host, again.host) == 0);
	if (uri.curves == 0 && uri.host[0] == '\0')
		fuzz_assert(berth_dpp_uri_lint(berth_buf_view(&text), 0, NULL) == BERTH_OK);
	return 0;
}
