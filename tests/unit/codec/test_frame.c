/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ASK = 7 };
enum { NAME = 1, COUNT = 2, WHEN = 3, PART = 4, SERIAL = 5, EXTRA = BERTH_FRAME_IGNORABLE | 9 };

static const struct berth_frame_field ask_fields[] = {
	{NAME, BERTH_FRAME_TEXT, BERTH_FRAME_REQUIRED, 8, "name"},
	{COUNT, BERTH_FRAME_U32, BERTH_FRAME_OPTIONAL, 0, "count"},
	{WHEN, BERTH_FRAME_I64, BERTH_FRAME_OPTIONAL, 0, "when"},
	{PART, BERTH_FRAME_BYTES, BERTH_FRAME_REPEATED, 0, "part"},
	{SERIAL, BERTH_FRAME_U64, BERTH_FRAME_OPTIONAL, 0, "serial"},
};
static const struct berth_frame_shape shapes[] = {
	{ASK, false, "ask", ask_fields, sizeof(ask_fields) / sizeof(ask_fields[0])},
	{ASK, true, "answer", NULL, 0},
};

static enum berth_err
parse(const struct berth_buf *buf, struct berth_frame *frame, struct berth_why *why)
{
	return berth_frame_parse(berth_buf_view(buf), shapes, 2, frame, why);
}

static void
start_ask(struct berth_buf *buf)
{
	assert_int_equal(berth_frame_start(buf, ASK, 0x1122334455667788), BERTH_OK);
	assert_int_equal(berth_frame_put_text(buf, NAME, "pump"), BERTH_OK);
}

static void
assert_refused(const struct berth_buf *buf, const char *rule)
{
	struct berth_frame frame;
	struct berth_why why = {0};

	assert_int_not_equal(parse(buf, &frame, &why), BERTH_OK);
	assert_string_equal(why.rule, rule);
}

static void
what_was_put_is_got(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};
	struct berth_frame frame;
	struct berth_bytes part;
	size_t at = 0;

	start_ask(&buf);
	assert_int_equal(berth_frame_put_bytes(&buf, PART, BERTH_LIT("one")), BERTH_OK);
	assert_int_equal(berth_frame_put_i64(&buf, WHEN, -5), BERTH_OK);
	assert_int_equal(berth_frame_put_u64(&buf, SERIAL, UINT64_MAX), BERTH_OK);
	assert_int_equal(berth_frame_put_bytes(&buf, PART, BERTH_BYTES_NONE), BERTH_OK);
	assert_int_equal(berth_frame_finish(&buf), BERTH_OK);
	assert_int_equal(parse(&buf, &frame, NULL), BERTH_OK);
	assert_int_equal(frame.kind, ASK);
	assert_int_equal(frame.id, 0x1122334455667788);
	assert_false(frame.is_reply);
	assert_true(berth_bytes_equal_text(berth_frame_get(&frame, NAME), "pump"));
	assert_int_equal(berth_frame_get_i64(&frame, WHEN, 0), -5);
	assert_true(berth_frame_get_u64(&frame, SERIAL, 0) == UINT64_MAX);
	assert_int_equal(berth_frame_get_u32(&frame, COUNT, 42), 42);
	assert_false(berth_frame_has(&frame, COUNT));
	assert_true(berth_frame_next(&frame, PART, &at, &part));
	assert_true(berth_bytes_equal_text(part, "one"));
	assert_true(berth_frame_next(&frame, PART, &at, &part));
	assert_int_equal(part.n, 0);
	assert_non_null(part.p);
	assert_false(berth_frame_next(&frame, PART, &at, &part));
}

static void
a_reply_is_not_a_request(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};
	struct berth_frame frame;

	assert_int_equal(berth_frame_start_reply(&buf, ASK, 1), BERTH_OK);
	assert_int_equal(berth_frame_finish(&buf), BERTH_OK);
	assert_int_equal(parse(&buf, &frame, NULL), BERTH_OK);
	assert_true(frame.is_reply);
	buf.p[1] = 0;
	assert_refused(&buf, "frame-missing-field");
}

static void
refuses_unknown_kind_version_and_flags(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};

	assert_int_equal(berth_frame_start(&buf, ASK + 1, 1), BERTH_OK);
	assert_refused(&buf, "frame-unknown-kind");
	start_ask(&buf);
	buf.p[0] = 2;
	assert_refused(&buf, "frame-version");
	buf.p[0] = 1;
	buf.p[1] = 2;
	assert_refused(&buf, "frame-version");
}

static void
refuses_unknown_tag_unless_ignorable(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};
	struct berth_frame frame;

	start_ask(&buf);
	assert_int_equal(berth_frame_put_u32(&buf, EXTRA, 1), BERTH_OK);
	assert_int_equal(parse(&buf, &frame, NULL), BERTH_OK);
	assert_int_equal(berth_frame_put_u32(&buf, 9, 1), BERTH_OK);
	assert_refused(&buf, "frame-unknown-tag");
}

static void
refuses_doubled_field(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};

	start_ask(&buf);
	assert_int_equal(berth_frame_put_text(&buf, NAME, "pump"), BERTH_OK);
	assert_refused(&buf, "frame-doubled-field");
}

static void
refuses_field_of_other_form(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};

	start_ask(&buf);
	assert_int_equal(berth_frame_put_u64(&buf, COUNT, 1), BERTH_OK);
	assert_refused(&buf, "frame-field-form");
	assert_int_equal(berth_frame_start(&buf, ASK, 1), BERTH_OK);
	assert_int_equal(berth_frame_put_bytes(&buf, NAME, BERTH_LIT("\xff")), BERTH_OK);
	assert_refused(&buf, "frame-field-form");
	assert_int_equal(berth_frame_start(&buf, ASK, 1), BERTH_OK);
	assert_int_equal(berth_frame_put_text(&buf, NAME, "too long!"), BERTH_OK);
	assert_refused(&buf, "frame-field-size");
}

static void
refuses_every_truncation(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};
	struct berth_frame frame;

	start_ask(&buf);
	for (size_t n = 0; n < buf.n; n++) {
		assert_int_not_equal(
			berth_frame_parse(berth_bytes_of(buf.p, n), shapes, 2, &frame, NULL),
			BERTH_OK);
	}
	assert_int_equal(berth_buf_append_u8(&buf, 0), BERTH_OK);
	assert_refused(&buf, "frame-syntax");
}

static void
refuses_more_than_a_packet(void **state)
{
	(void)state;
	static const uint8_t zeros[BERTH_FRAME_MAX] = {0};
	BERTH_BUF buf = {0};
	struct berth_frame frame;

	start_ask(&buf);
	size_t before = buf.n;

	assert_int_equal(berth_frame_put_bytes(&buf, PART, berth_bytes_of(zeros, sizeof(zeros))),
			 BERTH_E_LIMIT);
	assert_int_equal(buf.n, before);
	buf.limit = 0;
	assert_int_equal(berth_frame_put_bytes(&buf, PART, berth_bytes_of(zeros, sizeof(zeros))),
			 BERTH_OK);
	assert_int_equal(berth_frame_finish(&buf), BERTH_E_INTERNAL);
	assert_int_equal(parse(&buf, &frame, NULL), BERTH_E_LIMIT);
}

static void
refuses_too_many_fields(void **state)
{
	(void)state;
	BERTH_BUF buf = {0};

	start_ask(&buf);
	for (int i = 0; i < BERTH_FRAME_FIELDS_MAX; i++) {
		assert_int_equal(berth_frame_put_text(&buf, PART, NULL), BERTH_OK);
	}
	assert_int_equal(berth_frame_finish(&buf), BERTH_E_LIMIT);
	assert_refused(&buf, "frame-fields");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_got),
		cmocka_unit_test(a_reply_is_not_a_request),
		cmocka_unit_test(refuses_unknown_kind_version_and_flags),
		cmocka_unit_test(refuses_unknown_tag_unless_ignorable),
		cmocka_unit_test(refuses_doubled_field),
		cmocka_unit_test(refuses_field_of_other_form),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_more_than_a_packet),
		cmocka_unit_test(refuses_too_many_fields),
	};

	return cmocka_run_group_tests_name("codec/frame", tests, NULL, NULL);
}
