/* fuzz: berth_desired_state_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What a registrar tells a gateway, and what a gateway asks. What is read is written and read the same again. */
#include "protocol/gateway/desired_state.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_desired_state state, again;
	BERTH_BUF json = {0};
	BERTH_BUF second = {0};
	struct berth_why why = {0};
	int64_t after = -1;
	enum berth_err err = berth_desired_state_after(berth_bytes_of(data, size), &after, &why);
	fuzz_assert(err ? why.rule != NULL : after >= 0 && after < BERTH_GATEWAY_GENERATION_MAX);
	err = berth_desired_state_parse(berth_bytes_of(data, size), &state, &why);
	fuzz_assert(err == BERTH_OK || (why.err == err && why.rule != NULL));
	if (err)
		return 0;
	fuzz_assert(state.generation > 0 && state.count <= BERTH_GATEWAY_DEVICES_MAX);
	fuzz_assert(berth_desired_state_build(&state, &json, NULL) == BERTH_OK);
	fuzz_assert(berth_desired_state_parse(berth_buf_view(&json), &again, NULL) == BERTH_OK);
	fuzz_assert(berth_desired_state_build(&again, &second, NULL) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(berth_buf_view(&json), berth_buf_view(&second)));
	return 0;
}
