/* fuzz: berth_telemetry_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read is written, and reads the same again, but for members that we do not know. */
#include "protocol/brski/telemetry.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_ARENA arena = {0};
	BERTH_BUF json = {0};
	struct berth_telemetry first = {.version = -7};
	struct berth_telemetry again = {0};
	struct berth_why why = {0};

	berth_arena_start(&arena, (size_t)128 << 10);
	if (berth_telemetry_parse(berth_bytes_of(data, size), &arena, &first, &why)) {
		fuzz_assert(first.version == -7 && why.rule && why.sentence[0]);
		return 0;
	}
	fuzz_assert(first.version >= 0 && first.reason.n <= BERTH_TELEMETRY_REASON_MAX);
	fuzz_assert(berth_telemetry_build(&first, &json, &why) == BERTH_OK);
	if (json.n > BERTH_TELEMETRY_MAX_BYTES)
		return 0;
	fuzz_assert(berth_telemetry_parse(berth_buf_view(&json), &arena, &again, &why) == BERTH_OK);
	fuzz_assert(first.status == again.status && again.unknown_count == 0 &&
		    berth_bytes_equal(first.reason, again.reason) &&
		    berth_bytes_equal(first.reason_context, again.reason_context));
	return 0;
}
