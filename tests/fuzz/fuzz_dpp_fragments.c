/* fuzz: berth_dpp_fragments_take */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bodies behind a length of one octet, one after the other: what comes out is never longer than an answer may be, what is asked
 * is a comeback request, and what is refused as out of turn changes nothing.
 */
#include "codec/dpp_fragments.h"
#include "codec/dpp_frame.h"

#include "fuzz.h"

static void
take(struct berth_dpp_fragments *f, struct berth_bytes body)
{
	enum berth_dpp_fragments_step step = BERTH_DPP_FRAGMENTS_BODY;
	struct berth_bytes ret = BERTH_BYTES_NONE;
	struct berth_why why = {0};
	size_t n = f->whole.n;
	unsigned next = f->next;
	enum berth_err err = berth_dpp_fragments_take(f, body, &step, &ret, &why);

	if (err == BERTH_E_STATE) {
		fuzz_assert(f->whole.n == n && f->next == next);
		return;
	}
	if (err) {
		fuzz_assert(err == BERTH_E_LIMIT && f->next == 0 && f->whole.n == 0);
		return;
	}
	fuzz_assert(f->next <= BERTH_DPP_FRAGMENTS_MAX && f->whole.n <= BERTH_DPP_BODY_MAX_BYTES);
	if (step == BERTH_DPP_FRAGMENTS_ASK)
		fuzz_assert(ret.n == 2 && ret.p[0] == BERTH_DPP_FRAME_COMEBACK_REQUEST);
	else
		fuzz_assert(ret.n <= BERTH_DPP_BODY_MAX_BYTES + 19);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_dpp_fragments fragments = {0};

	for (size_t at = 0; at < size;) {
		size_t n = data[at++];
		n = n < size - at ? n : size - at;
		take(&fragments, berth_bytes_of(data + at, n));
		at += n;
	}
	berth_dpp_fragments_free(&fragments);
	return 0;
}
