/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/dpp_frame.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/hex.h"

static void
assert_refused(const char *text, const char *rule)
{
	BERTH_BUF body = {0};
	struct berth_dpp_frame frame;
	struct berth_why why = {0};

	assert_int_equal(berth_hex_decode(berth_text(text), &body, NULL), BERTH_OK);
	assert_int_not_equal(berth_dpp_frame_parse(berth_buf_view(&body), &frame, &why), BERTH_OK);
	assert_string_equal(why.rule, rule);
}

static void
parse(const char *text, struct berth_buf *body, struct berth_dpp_frame *frame)
{
	BERTH_BUF again = {0};

	assert_int_equal(berth_hex_decode(berth_text(text), body, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_frame_parse(berth_buf_view(body), frame, NULL), BERTH_OK);
	assert_int_equal(berth_dpp_frame_build(frame, &again), BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(body), berth_buf_view(&again)));
}

static void
reads_and_writes_a_presence_announcement(void **state)
{
	BERTH_BUF body = {0};
	struct berth_dpp_frame frame;
	struct berth_bytes hash = BERTH_BYTES_NONE;

	(void)state;
	parse("09506f9a1a010d02100400aabbccdd", &body, &frame);
	assert_int_equal(frame.kind, BERTH_DPP_FRAME_ACTION);
	assert_int_equal(frame.type, BERTH_DPP_PRESENCE_ANNOUNCEMENT);
	assert_int_equal(frame.header.n, BERTH_DPP_HEADER_BYTES);
	assert_int_equal(berth_dpp_attribute_get(frame.attributes, BERTH_DPP_RESPONDER_KEY_HASH, 4,
						 &hash, NULL),
			 BERTH_OK);
	assert_int_equal(hash.p[3], 0xdd);
}

static void
reads_and_writes_gas_frames(void **state)
{
	BERTH_BUF request = {0}, response = {0}, comeback = {0}, fragment = {0};
	struct berth_dpp_frame frame;

	(void)state;
	parse("0a076c087fdd05506f9a1a0105000010010005", &request, &frame);
	assert_int_equal(frame.kind, BERTH_DPP_FRAME_GAS_REQUEST);
	assert_int_equal(frame.dialog, 7);
	assert_int_equal(frame.attributes.n, 5);
	parse("0b070000f4016c087fdd05506f9a1a010000", &response, &frame);
	assert_int_equal(frame.delay, 500);
	assert_int_equal(frame.attributes.n, 0);
	parse("0c07", &comeback, &frame);
	assert_int_equal(frame.dialog, 7);
	parse("0d0700008100006c087fdd05506f9a1a0105000010010005", &fragment, &frame);
	assert_int_equal(frame.fragment, 0x81);
	assert_int_equal(frame.attributes.n, 5);
}

static void
refuses_what_is_not_dpp(void **state)
{
	(void)state;
	assert_refused("", "dpp-frame-kind");
	assert_refused("08506f9a1a010d", "dpp-frame-kind");
	assert_refused("09506f9a1a020d", "dpp-frame-kind"); /* another crypto suite */
	assert_refused("09506f9a1b010d", "dpp-frame-kind"); /* another type of the same OUI */
	assert_refused("09506f9a1a01", "dpp-frame");	    /* no type */
	assert_refused("0a076c087fdd05506f9a1b010000", "dpp-frame-kind");
	assert_refused("0a076c087fdd05506f9a1a010100", "dpp-frame");   /* one octet promised */
	assert_refused("0a076c087fdd05506f9a1a01000000", "dpp-frame"); /* one octet more */
	assert_refused("0c", "dpp-frame");
	assert_refused("0c0700", "dpp-frame");
}

static void
refuses_malformed_attributes(void **state)
{
	(void)state;
	assert_refused("09506f9a1a010d02100400000000", "dpp-attributes"); /* three octets of four */
	assert_refused("09506f9a1a010d021000", "dpp-attributes");	  /* half a length */
}

static void
refuses_what_follows_wrapped_data(void **state)
{
	(void)state;
	assert_refused("09506f9a1a01000410010000"
		       "0010010000",
		       "dpp-after-wrapped-data");
}

static void
the_first_of_two_counts(void **state)
{
	const struct berth_bytes attributes = BERTH_LIT("\x00\x10\x01\x00\x05\x00\x10\x01\x00\x06");
	uint8_t status = 0;
	size_t at = 0;
	int count = 0;
	struct berth_bytes value = BERTH_BYTES_NONE;
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_dpp_attribute_get_u8(attributes, BERTH_DPP_STATUS, &status, NULL),
			 BERTH_OK);
	assert_int_equal(status, 5);
	while (berth_dpp_attribute_next(attributes, BERTH_DPP_STATUS, &at, &value))
		count++;
	assert_int_equal(count, 2);
	assert_int_equal(berth_dpp_attribute_get(attributes, BERTH_DPP_STATUS, 2, &value, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "dpp-attribute-length");
	assert_int_equal(berth_dpp_attribute_get(attributes, BERTH_DPP_I_NONCE, 2, &value, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "dpp-attribute-missing");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_and_writes_a_presence_announcement),
		cmocka_unit_test(reads_and_writes_gas_frames),
		cmocka_unit_test(refuses_what_is_not_dpp),
		cmocka_unit_test(refuses_malformed_attributes),
		cmocka_unit_test(refuses_what_follows_wrapped_data),
		cmocka_unit_test(the_first_of_two_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
