/* fuzz: berth_http_head_parse berth_http_chunk_parse berth_http_trailer_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* A server's answer in any pieces: what is used was there, and a longer input never changes a verdict. */
#include "net/http_response.h"

#include "fuzz.h"

static void
inside(struct berth_bytes view, struct berth_bytes in)
{
	fuzz_assert(view.n == 0 || (view.p >= in.p && view.p + view.n <= in.p + in.n));
}

static void
head(struct berth_bytes in)
{
	struct berth_http_head whole = {0}, part = {0};
	size_t used = 0, part_used = 0;
	struct berth_why why;
	enum berth_err err = berth_http_head_parse(in, &whole, &used, &why);

	if (err == BERTH_OK) {
		fuzz_assert(used > 0 && used <= in.n);
		fuzz_assert(whole.status >= 100 && whole.status <= 599);
		fuzz_assert(whole.retry_after_s >= -1);
		inside(whole.media_type, in);
		inside(whole.location, in);
		fuzz_assert(berth_http_head_parse(berth_bytes_of(in.p, used), &part, &part_used,
						  &why) == BERTH_OK);
		fuzz_assert(part_used == used && part.status == whole.status);
	}
	if (in.n > 0) {
		enum berth_err before = berth_http_head_parse(berth_bytes_of(in.p, in.n - 1), &part,
							      &part_used, &why);
		fuzz_assert(before == BERTH_E_PENDING || before == err);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	uint64_t chunk = 0;
	size_t used = 0;
	struct berth_why why;

	head(in);
	if (berth_http_chunk_parse(in, &chunk, &used, &why) == BERTH_OK) {
		fuzz_assert(used > 0 && used <= in.n && chunk <= UINT32_MAX);
	}
	if (berth_http_trailer_parse(in, &used, &why) == BERTH_OK) {
		fuzz_assert(used > 0 && used <= in.n);
	}
	return 0;
}
