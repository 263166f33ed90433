/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/dpp_channel.h"

static void
knows_the_frequency_of_a_channel(void **state)
{
	static const struct {
		unsigned operating_class, channel, mhz;
	} rows[] = {
		{81, 1, 2412},	  {81, 6, 2437},    {81, 13, 2472},  {82, 14, 2484},
		{115, 36, 5180},  {115, 48, 5240},  {118, 52, 5260}, {121, 144, 5720},
		{124, 149, 5745}, {125, 165, 5825}, {131, 1, 5955},  {131, 37, 6135},
		{180, 2, 60480},  {81, 0, 0},	    {81, 14, 0},     {115, 37, 0},
		{115, 149, 0},	  {0, 1, 0},	    {255, 6, 0},     {180, 7, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t mhz = berth_dpp_channel_mhz(rows[i].operating_class, rows[i].channel);
		if (mhz != rows[i].mhz)
			fail_msg("%u/%u is %u", rows[i].operating_class, rows[i].channel, mhz);
	}
}

static void
reads_a_list_in_which_a_class_holds_on(void **state)
{
	uint32_t mhz[BERTH_DPP_CHANNELS_MAX];
	struct berth_why why = {0};
	size_t n = 0;

	(void)state;
	assert_int_equal(berth_dpp_channels_parse(BERTH_LIT("81/1,6,115/36,99,7/7"), mhz, &n, &why),
			 BERTH_OK);
	assert_int_equal(n, 3); /* those that are not known are left out */
	assert_int_equal(mhz[0], 2412);
	assert_int_equal(mhz[1], 2437);
	assert_int_equal(mhz[2], 5180);
}

static void
refuses_what_is_no_list(void **state)
{
	static const char *const rows[] = {"",	      "81",	"81/",	 "/6",	     "6",
					   "81/6,",   "81/6;",	"81 /6", "81/6 ",    "0/6",
					   "81/0006", "81/256", "256/6", "81/6/7/8,"};
	uint32_t mhz[BERTH_DPP_CHANNELS_MAX];
	struct berth_why why = {0};
	size_t n = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (berth_dpp_channels_parse(berth_text(rows[i]), mhz, &n, &why) != BERTH_E_SYNTAX)
			fail_msg("\"%s\" was read", rows[i]);
		assert_string_equal(why.rule, "dpp-channels");
		assert_int_equal(n, 77);
	}
}

static void
takes_no_more_than_its_limit(void **state)
{
	uint32_t mhz[BERTH_DPP_CHANNELS_MAX];
	struct berth_why why = {0};
	BERTH_BUF text = {0};
	size_t n = 0;

	(void)state;
	assert_int_equal(berth_buf_append_text(&text, "81/1"), BERTH_OK);
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(berth_buf_append_text(&text, ",2"), BERTH_OK);
	assert_int_equal(berth_dpp_channels_parse(berth_buf_view(&text), mhz, &n, &why), BERTH_OK);
	assert_int_equal(n, BERTH_DPP_CHANNELS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_the_frequency_of_a_channel),
		cmocka_unit_test(reads_a_list_in_which_a_class_holds_on),
		cmocka_unit_test(refuses_what_is_no_list),
		cmocka_unit_test(takes_no_more_than_its_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
