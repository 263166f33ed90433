/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/body.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
reads_base64_in_any_layout(void **state)
{
	(void)state;
	static const char *const layouts[] = {"MAMCAQU=", "MAMC\nAQU=\n", "MAMC\r\nAQU=\r\n",
					      " M A M C A Q U = "};
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		BERTH_BUF der = {0};
		print_message("%s\n", layouts[i]);
		assert_int_equal(berth_est_body_decode(berth_text(layouts[i]), &der, NULL),
				 BERTH_OK);
		assert_true(
			berth_bytes_equal(berth_buf_view(&der), BERTH_LIT("\x30\x03\x02\x01\x05")));
	}
}

static void
refuses_body_that_is_raw_der(void **state)
{
	(void)state;
	static const uint8_t der[] = {0x30, 0x82, 0x01, 0x00};
	BERTH_BUF out = {0};
	struct berth_why why = {0};
	assert_int_equal(berth_est_body_decode(berth_bytes_of(der, sizeof(der)), &out, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "rfc8951-3.1-not-base64");
}

static void
refuses_body_that_is_empty_or_no_base64(void **state)
{
	(void)state;
	BERTH_BUF out = {0};
	assert_int_not_equal(berth_est_body_decode(BERTH_BYTES_NONE, &out, NULL), BERTH_OK);
	assert_int_not_equal(berth_est_body_decode(BERTH_LIT("MAMCAQU"), &out, NULL), BERTH_OK);
	assert_int_not_equal(berth_est_body_decode(BERTH_LIT("MAMC-QU="), &out, NULL), BERTH_OK);
}

static void
reply_mirrors_the_layout_of_the_request(void **state)
{
	(void)state;
	const struct {
		const char *body;
		const char *user_agent;
		enum berth_est_layout want;
	} rows[] = {
		{"MAMCAQU=", "", BERTH_EST_LAYOUT_LINE},
		{"MAMCAQU=\r\n", "", BERTH_EST_LAYOUT_LINE},
		{"MAMC\nAQU=\n", "", BERTH_EST_LAYOUT_WRAPPED},
		{"MAMCAQU=", "libest 1.0", BERTH_EST_LAYOUT_LINE},
		{"", "libest 1.0", BERTH_EST_LAYOUT_WRAPPED},
		{"", "", BERTH_EST_LAYOUT_LINE},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct berth_http_request request = {
			.body = berth_text(rows[i].body),
			.user_agent = berth_text(rows[i].user_agent),
		};
		assert_int_equal(berth_est_layout_for(&request, BERTH_EST_LAYOUT_AUTO),
				 rows[i].want);
		assert_int_equal(berth_est_layout_for(&request, BERTH_EST_LAYOUT_WRAPPED),
				 BERTH_EST_LAYOUT_WRAPPED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_base64_in_any_layout),
		cmocka_unit_test(refuses_body_that_is_raw_der),
		cmocka_unit_test(refuses_body_that_is_empty_or_no_base64),
		cmocka_unit_test(reply_mirrors_the_layout_of_the_request),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
