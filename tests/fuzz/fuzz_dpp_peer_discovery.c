/* fuzz: berth_dpp_peer_discovery_parse_request berth_dpp_peer_discovery_parse_response */
/* SPDX-License-Identifier: BSD-2-Clause */
/* The frames of an introduction, from anybody on the air. What is read is written again, and read the same. */
#include "protocol/dpp/peer_discovery.h"

#include "fuzz.h"

#define TRANSACTION 7

static void
assert_same(const struct berth_dpp_peer_discovery *a, const struct berth_dpp_peer_discovery *b)
{
	fuzz_assert(a->transaction == b->transaction && a->status == b->status);
	fuzz_assert(berth_bytes_equal(a->connector, b->connector));
	fuzz_assert(a->version == b->version || (a->version < 2 && b->version == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_dpp_peer_discovery read, again;
	struct berth_dpp_frame frame;
	struct berth_why why = {0};
	BERTH_BUF body = {0};

	if (berth_dpp_frame_parse(berth_bytes_of(data, size), &frame, NULL))
		return 0;
	if (berth_dpp_peer_discovery_parse_request(&frame, &read, &why) == BERTH_OK) {
		fuzz_assert(berth_dpp_peer_discovery_request(&read, &body) == BERTH_OK);
		fuzz_assert(berth_dpp_frame_parse(berth_buf_view(&body), &frame, NULL) == BERTH_OK);
		fuzz_assert(berth_dpp_peer_discovery_parse_request(&frame, &again, NULL) ==
			    BERTH_OK);
		assert_same(&read, &again);
		return 0;
	}
	fuzz_assert(why.rule != NULL);
	if (berth_dpp_peer_discovery_parse_response(&frame, TRANSACTION, &read, NULL))
		return 0;
	fuzz_assert(read.transaction == TRANSACTION);
	fuzz_assert((read.connector.n > 0) == (read.status == BERTH_DPP_OK));
	fuzz_assert(berth_dpp_peer_discovery_response(&read, &body) == BERTH_OK);
	fuzz_assert(berth_dpp_frame_parse(berth_buf_view(&body), &frame, NULL) == BERTH_OK);
	fuzz_assert(berth_dpp_peer_discovery_parse_response(&frame, TRANSACTION, &again, NULL) ==
		    BERTH_OK);
	assert_same(&read, &again);
	return 0;
}
