/* fuzz: berth_desired_state_parse berth_desired_state_query_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What a registrar tells a gateway, and what a gateway asks. What is read is written and read the same again. */
#include "protocol/gateway/desired_state.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_DESIRED_STATE state = {0};
	BERTH_DESIRED_STATE again = {0};
	struct berth_desired_state_query query = {.after = -1};
	BERTH_BUF json = {0};
	BERTH_BUF second = {0};
	struct berth_why why = {0};
	enum berth_err err =
		berth_desired_state_query_parse(berth_bytes_of(data, size), &query, &why);
	fuzz_assert(err ? why.rule != NULL
			: query.after >= 0 && query.after < BERTH_GATEWAY_GENERATION_MAX);
	err = berth_desired_state_parse(berth_bytes_of(data, size), BERTH_GATEWAY_PAGE_DEVICES,
					&state, &why);
	fuzz_assert(err == BERTH_OK || (why.err == err && why.rule != NULL));
	if (err)
		return 0;
	fuzz_assert(state.generation > 0 && state.count <= BERTH_GATEWAY_PAGE_DEVICES &&
		    state.from + state.count <= state.total);
	fuzz_assert(berth_desired_state_build(&state, &json, NULL) == BERTH_OK);
	fuzz_assert(berth_desired_state_parse(berth_buf_view(&json), BERTH_GATEWAY_PAGE_DEVICES,
					      &again, NULL) == BERTH_OK);
	fuzz_assert(berth_desired_state_build(&again, &second, NULL) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(berth_buf_view(&json), berth_buf_view(&second)));
	return 0;
}
