/* fuzz: berth_wifi_action_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read is written again with the same addresses and body; elements of a beacon are walked to their end. */
#include "net/wifi_frame.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_wifi_action action;
	struct berth_wifi_action again;
	struct berth_why why = {0};
	BERTH_BUF out = {0};

	/* once told, told whatever follows */
	BERTH_BUF more = {0};
	fuzz_assert(berth_buf_append_bytes(&more, in) == BERTH_OK);
	fuzz_assert(berth_buf_append_u8(&more, 0xdd) == BERTH_OK);
	if (berth_wifi_elements_tell_configurator(in))
		fuzz_assert(berth_wifi_elements_tell_configurator(berth_buf_view(&more)));
	if (berth_wifi_action_parse(in, &action, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return 0;
	}
	fuzz_assert(action.body.n >= 2 && action.body.n <= BERTH_WIFI_BODY_MAX_BYTES);
	fuzz_assert(berth_wifi_action_build(&action, &out) == BERTH_OK);
	fuzz_assert(out.n == size);
	fuzz_assert(berth_wifi_action_parse(berth_buf_view(&out), &again, &why) == BERTH_OK);
	fuzz_assert(memcmp(again.to, action.to, sizeof(action.to)) == 0);
	fuzz_assert(memcmp(again.from, action.from, sizeof(action.from)) == 0);
	fuzz_assert(memcmp(again.bssid, action.bssid, sizeof(action.bssid)) == 0);
	fuzz_assert(berth_bytes_equal(again.body, action.body));
	return 0;
}
