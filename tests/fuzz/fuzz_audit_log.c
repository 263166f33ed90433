/* fuzz: berth_audit_log_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read is written, and reads the same again; counters stay below their cap. */
#include "protocol/brski/audit_log.h"

#include "fuzz.h"

#define ARENA_BYTES ((size_t)1 << 20)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	BERTH_ARENA arena = {0};
	BERTH_ARENA other = {0};
	BERTH_BUF json = {0};
	struct berth_audit_log first = {.version = -7};
	struct berth_audit_log again = {0};
	struct berth_why why = {0};

	berth_arena_start(&arena, ARENA_BYTES);
	berth_arena_start(&other, ARENA_BYTES);
	if (berth_audit_log_parse(berth_bytes_of(data, size), &arena, &first, &why)) {
		fuzz_assert(first.version == -7 && why.rule && why.sentence[0]);
		return 0;
	}
	fuzz_assert(first.event_count <= BERTH_AUDIT_LOG_EVENTS_MAX &&
		    first.arbitrary <= BERTH_AUDIT_LOG_COUNT_MAX);
	fuzz_assert(berth_audit_log_build(&first, &json, &why) == BERTH_OK);
	if (json.n > BERTH_AUDIT_LOG_MAX_BYTES)
		return 0;
	fuzz_assert(berth_audit_log_parse(berth_buf_view(&json), &other, &again, &why) == BERTH_OK);
	fuzz_assert(first.event_count == again.event_count &&
		    first.nonced_duplicates == again.nonced_duplicates);
	for (size_t i = 0; i < first.event_count; i++)
		fuzz_assert(
			first.events[i].date.s == again.events[i].date.s &&
			first.events[i].assertion == again.events[i].assertion &&
			berth_bytes_equal(first.events[i].nonce, again.events[i].nonce) &&
			berth_bytes_equal(first.events[i].domain_id, again.events[i].domain_id));
	return 0;
}
