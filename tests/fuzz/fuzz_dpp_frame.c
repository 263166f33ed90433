/* fuzz: berth_dpp_frame_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is read is written the same again, byte by byte, and its attributes can be walked to their end. */
#include "codec/dpp_frame.h"

#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes in = berth_bytes_of(data, size);
	struct berth_dpp_frame frame;
	struct berth_bytes value = BERTH_BYTES_NONE;
	struct berth_why why = {0};
	BERTH_BUF out = {0};
	size_t at = 0;
	size_t values = 0;

	if (berth_dpp_frame_parse(in, &frame, &why)) {
		fuzz_assert(why.rule != NULL && why.sentence[0] != '\0');
		return 0;
	}
	fuzz_assert(berth_dpp_frame_build(&frame, &out) == BERTH_OK);
	fuzz_assert(berth_bytes_equal(in, berth_buf_view(&out)));
	struct berth_bytes before = berth_dpp_attributes_before_wrapped(frame.attributes);
	fuzz_assert(before.n <= frame.attributes.n);
	while (berth_dpp_attribute_next(frame.attributes, BERTH_DPP_CONFIG_OBJECT, &at, &value))
		values += value.n;
	fuzz_assert(values <= frame.attributes.n);
	return 0;
}
