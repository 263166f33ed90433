/* fuzz: berth_grasp_flood_decode berth_grasp_neighbours_input */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read can be written and read again; the neighbours stay within their bounds whatever is heard. */
#include "protocol/grasp/neighbours.h"

#include "fuzz.h"

static void
read_again(const struct berth_grasp_flood *flood)
{
	BERTH_BUF bytes = {0};
	struct berth_grasp_flood again;
	fuzz_assert(!berth_grasp_flood_encode(flood, &bytes));
	fuzz_assert(!berth_grasp_flood_decode(berth_buf_view(&bytes), &again, NULL));
	fuzz_assert(again.n == flood->n && again.session == flood->session);
	for (size_t i = 0; i < flood->n; i++) {
		fuzz_assert(memcmp(again.at[i].address, flood->at[i].address, 16) == 0);
		fuzz_assert(again.at[i].port == flood->at[i].port && flood->at[i].port != 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t source[16] = {0xfe, 0x80, [15] = 1};
	struct berth_grasp_neighbours neighbours;
	struct berth_grasp_flood flood;
	struct berth_grasp_event event;
	struct berth_why why = {0};
	const struct berth_now now = {.mono = {1000}};
	const struct berth_bytes message = berth_bytes_of(data, size);
	if (berth_grasp_flood_decode(message, &flood, &why)) {
		fuzz_assert(why.rule != NULL);
	} else {
		fuzz_assert(flood.n <= BERTH_GRASP_OFFERS_MAX);
		if (flood.n) {
			read_again(&flood);
		}
	}
	berth_grasp_neighbours_start(&neighbours, BERTH_GRASP_AN_PROXY, size % 2);
	const struct berth_grasp_datagram datagram = {.source = source, .message = message};
	for (unsigned i = 0; i < 3; i++) {
		berth_ignore(berth_grasp_neighbours_input(&neighbours, now, &datagram, &why),
			     "must only stay within its bounds");
	}
	size_t n = 0;
	while (berth_grasp_neighbours_event(&neighbours, &event)) {
		fuzz_assert(event.is_there && ++n <= BERTH_GRASP_NEIGHBOURS_SOURCE_MAX);
	}
	return 0;
}
