/* fuzz: berth_renewal_info_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* A registrar's advice. What is read is written and read the same again. */
#include "protocol/est/renewal_info.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_renewal_info info, again;
	BERTH_BUF json = {0};
	struct berth_why why = {0};
	enum berth_err err = berth_renewal_info_parse(BERTH_LIT(BERTH_EST_MEDIA_RENEWAL_INFO),
						      berth_bytes_of(data, size), &info, &why);
	fuzz_assert(err == BERTH_OK || (why.err == err && why.rule != NULL));
	if (err)
		return 0;
	fuzz_assert(info.end.s >= info.start.s);
	fuzz_assert(berth_renewal_info_build(&info, &json, NULL) == BERTH_OK);
	fuzz_assert(berth_renewal_info_parse(BERTH_LIT(BERTH_EST_MEDIA_RENEWAL_INFO),
					     berth_buf_view(&json), &again, NULL) == BERTH_OK);
	fuzz_assert(info.start.s == again.start.s && info.end.s == again.end.s &&
		    info.has_now == again.has_now && info.now.s == again.now.s &&
		    strcmp(info.explanation, again.explanation) == 0);
	return 0;
}
