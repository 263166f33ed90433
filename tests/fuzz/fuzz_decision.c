/* fuzz: berth_decision_parse berth_device_state_parse berth_event_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/decision.h"

#include <string.h>

#include "fuzz.h"
#include "model/device.h"
#include "model/event.h"

/* What is read can be written, and reads back the same. */
static void
round_trip(const struct berth_decision *decision)
{
	static struct berth_decision again;
	BERTH_BUF first = {0};
	BERTH_BUF second = {0};

	fuzz_assert(berth_decision_encode(decision, &first, NULL) == BERTH_OK);
	fuzz_assert(berth_decision_parse(berth_buf_view(&first), &again, NULL) == BERTH_OK);
	fuzz_assert(berth_decision_encode(&again, &second, NULL) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(berth_buf_view(&first), berth_buf_view(&second)));
	fuzz_assert(!decision->failed || decision->outcome == BERTH_OUTCOME_DENY);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct berth_decision decision;
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_why why = {0};
	enum berth_device_standing state = BERTH_DEVICE_KNOWN;
	enum berth_event_kind event = BERTH_EVENT_ADMIN;

	if (berth_decision_parse(in, &decision, &why))
		fuzz_assert(why.rule && why.sentence[0]);
	else
		round_trip(&decision);
	if (!berth_device_state_parse(in, &state, NULL))
		fuzz_assert(berth_bytes_equal_text(in, berth_device_state_name(state)));
	if (!berth_event_parse(in, &event, NULL))
		fuzz_assert(berth_bytes_equal_text(in, berth_event_name(event)));
	return 0;
}
