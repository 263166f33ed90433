/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/wifi_frame.h"

#define BODY "\x04\x09\x50\x6f\x9a\x1a\x01\x0d"
#define FRAME                                                                                      \
	"\xd0\x00\x3c\x00\xff\xff\xff\xff\xff\xff\x02\x00\x00\x00\x01\x00\xff\xff\xff\xff\xff\xff" \
	"\x10\x00" BODY

static struct berth_wifi_action
action_of(struct berth_bytes body)
{
	struct berth_wifi_action action = {.from = {2, 0, 0, 0, 1, 0}, .body = body};

	memcpy(action.to, berth_wifi_broadcast, sizeof(action.to));
	memcpy(action.bssid, berth_wifi_broadcast, sizeof(action.bssid));
	return action;
}

static void
reads_a_public_action_frame(void **state)
{
	struct berth_wifi_action action;
	struct berth_why why = {0};
	char text[BERTH_WIFI_ADDRESS_TEXT_MAX];

	(void)state;
	assert_int_equal(berth_wifi_action_parse(BERTH_LIT(FRAME), &action, &why), BERTH_OK);
	assert_string_equal(berth_wifi_address_text(action.from, text), "02:00:00:00:01:00");
	assert_string_equal(berth_wifi_address_text(action.to, text), "ff:ff:ff:ff:ff:ff");
	assert_true(berth_bytes_equal(action.body, BERTH_LIT(BODY)));
}

static void
refuses_what_is_no_plain_public_action_frame(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
	} rows[] = {
		{"a beacon", 0, 0x80},	      {"data", 0, 0x08},
		{"another version", 0, 0xd1}, {"protected", 1, 0x40},
		{"with HT control", 1, 0x80}, {"another category", 24, 3},
		{"protected dual", 24, 9},
	};
	struct berth_wifi_action action;
	struct berth_why why = {0};
	uint8_t frame[sizeof(FRAME) - 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(frame, FRAME, sizeof(frame));
		frame[rows[i].at] = rows[i].value;
		if (berth_wifi_action_parse(berth_bytes_of(frame, sizeof(frame)), &action, &why) !=
		    BERTH_E_UNSUPPORTED)
			fail_msg("%s was read", rows[i].name);
		assert_string_equal(why.rule, "wifi-frame-kind");
	}
}

static void
refuses_every_beginning_of_a_frame(void **state)
{
	struct berth_wifi_action action;
	struct berth_why why = {0};

	(void)state;
	for (size_t n = 0; n < 24; n++)
		assert_int_equal(berth_wifi_action_parse(berth_bytes_of(FRAME, n), &action, &why),
				 BERTH_E_SYNTAX);
	/* a header, and a category without an action */
	for (size_t n = 24; n < 26; n++)
		assert_int_equal(berth_wifi_action_parse(berth_bytes_of(FRAME, n), &action, &why),
				 BERTH_E_UNSUPPORTED);
}

static void
a_frame_is_no_longer_than_the_air_allows(void **state)
{
	static uint8_t body[BERTH_WIFI_BODY_MAX_BYTES + 1] = {4, 9};
	struct berth_wifi_action action;
	struct berth_why why = {0};
	BERTH_BUF frame = {0};

	(void)state;
	action = action_of(berth_bytes_of(body, sizeof(body)));
	assert_int_equal(berth_wifi_action_build(&action, &frame), BERTH_E_LIMIT);
	action.body.n--;
	assert_int_equal(berth_wifi_action_build(&action, &frame), BERTH_OK);
	assert_int_equal(berth_wifi_action_parse(berth_buf_view(&frame), &action, &why), BERTH_OK);
	assert_int_equal(berth_buf_append_u8(&frame, 0), BERTH_OK);
	assert_int_equal(berth_wifi_action_parse(berth_buf_view(&frame), &action, &why),
			 BERTH_E_LIMIT);
}

static void
what_is_built_is_read_again(void **state)
{
	struct berth_wifi_action action = action_of(BERTH_LIT(BODY));
	struct berth_wifi_action again;
	struct berth_why why = {0};
	BERTH_BUF frame = {0};

	(void)state;
	assert_int_equal(berth_wifi_action_build(&action, &frame), BERTH_OK);
	assert_int_equal(frame.n, sizeof(FRAME) - 1);
	assert_int_equal(berth_wifi_action_parse(berth_buf_view(&frame), &again, &why), BERTH_OK);
	assert_memory_equal(again.from, action.from, sizeof(action.from));
	assert_true(berth_bytes_equal(again.body, action.body));
}

static void
a_beacon_tells_of_a_configurator(void **state)
{
	static const struct {
		const char *name;
		struct berth_bytes elements;
		bool tells;
	} rows[] = {
		{"alone", BERTH_LIT_INIT("\xdd\x04\x50\x6f\x9a\x1e"), true},
		{"after a name", BERTH_LIT_INIT("\x00\x02\x61\x62\xdd\x05\x50\x6f\x9a\x1e\x00"),
		 true},
		{"nothing", BERTH_LIT_INIT(""), false},
		{"another type", BERTH_LIT_INIT("\xdd\x04\x50\x6f\x9a\x1a"), false},
		{"another vendor", BERTH_LIT_INIT("\xdd\x04\x50\x6f\x9b\x1e"), false},
		{"another element", BERTH_LIT_INIT("\xdc\x04\x50\x6f\x9a\x1e"), false},
		{"cut short", BERTH_LIT_INIT("\xdd\x05\x50\x6f\x9a\x1e"), false},
		{"too short", BERTH_LIT_INIT("\xdd\x03\x50\x6f\x9a"), false},
		{"behind what cannot be read", BERTH_LIT_INIT("\x00\x09\xdd\x04\x50\x6f\x9a\x1e"),
		 false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (berth_wifi_elements_tell_configurator(rows[i].elements) != rows[i].tells)
			fail_msg("%s", rows[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_public_action_frame),
		cmocka_unit_test(refuses_what_is_no_plain_public_action_frame),
		cmocka_unit_test(refuses_every_beginning_of_a_frame),
		cmocka_unit_test(a_frame_is_no_longer_than_the_air_allows),
		cmocka_unit_test(what_is_built_is_read_again),
		cmocka_unit_test(a_beacon_tells_of_a_configurator),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
