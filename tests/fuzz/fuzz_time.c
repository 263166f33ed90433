/* fuzz: berth_wall_parse berth_duration_parse_s */
/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/time.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_wall wall = {0};
	struct berth_wall again = {0};
	char text[BERTH_TIME_TEXT_MAX];
	int64_t s = 0;

	if (!berth_duration_parse_s(in, &s, NULL)) {
		fuzz_assert(s >= 0 && s <= 3650 * 86400LL);
	}
	if (berth_wall_parse(in, &wall, NULL)) {
		return 0;
	}
	fuzz_assert(wall.s <= BERTH_WALL_NO_EXPIRY.s);
	fuzz_assert(!berth_wall_parse(berth_text(berth_wall_format(wall, text)), &again, NULL));
	fuzz_assert(again.s == wall.s);
	return 0;
}
