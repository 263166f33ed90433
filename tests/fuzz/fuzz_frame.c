/* fuzz: berth_frame_parse */
/* SPDX-License-Identifier: BSD-2-Clause */
/* What is accepted can be built again, byte for byte. */
#include "codec/frame.h"

#include "fuzz.h"

enum { NAME = 1, COUNT = 2, SERIAL = 3, PART = 4, WHEN = 5 };

static const struct berth_frame_field fields[] = {
	{NAME, BERTH_FRAME_TEXT, BERTH_FRAME_REQUIRED, 16, "name"},
	{COUNT, BERTH_FRAME_U32, BERTH_FRAME_OPTIONAL, 0, "count"},
	{SERIAL, BERTH_FRAME_U64, BERTH_FRAME_OPTIONAL, 0, "serial"},
	{PART, BERTH_FRAME_BYTES, BERTH_FRAME_REPEATED, 0, "part"},
	{WHEN, BERTH_FRAME_I64, BERTH_FRAME_OPTIONAL, 0, "when"},
};
static const struct berth_frame_shape shapes[] = {
	{1, false, "ask", fields, sizeof(fields) / sizeof(fields[0])},
	{1, true, "answer", fields + 1, 3},
};

static void
check(const struct berth_frame *frame, struct berth_bytes packet)
{
	size_t fields_bytes = 0;

	for (size_t i = 0; i < frame->shape->field_count; i++) {
		struct berth_bytes value;

		for (size_t at = 0;
		     berth_frame_next(frame, frame->shape->fields[i].tag, &at, &value);) {
			fuzz_assert(value.p >= packet.p &&
				    value.p + value.n <= packet.p + packet.n);
			fields_bytes += 6 + value.n;
		}
	}
	fuzz_assert(fields_bytes <= packet.n - BERTH_FRAME_HEADER_BYTES);
	(void)berth_frame_get_u32(frame, COUNT, 0);
	(void)berth_frame_get_u64(frame, SERIAL, 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct berth_bytes packet = berth_bytes_of(data, size);
	struct berth_frame frame = {0};
	struct berth_why why = {0};

	if (berth_frame_parse(packet, shapes, 2, &frame, &why)) {
		fuzz_assert(why.rule && why.sentence[0] && !frame.shape);
		return 0;
	}
	check(&frame, packet);
	BERTH_BUF again = {0};
	enum berth_err err = frame.is_reply ? berth_frame_start_reply(&again, frame.kind, frame.id)
					    : berth_frame_start(&again, frame.kind, frame.id);

	fuzz_assert(!err && !berth_buf_append_bytes(&again, frame.fields));
	fuzz_assert(!berth_frame_finish(&again));
	fuzz_assert(berth_bytes_equal(berth_buf_view(&again), packet));
	return 0;
}
