/* SPDX-License-Identifier: BSD-2-Clause */
/* How a gateway names the connections that it relayed. */
#include "protocol/gateway/relayed.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
takes_the_random_bytes_of_a_client_hello_and_of_nothing_else(void **state)
{
	uint8_t hello[BERTH_GATEWAY_HELLO_BYTES] = {22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3};
	uint8_t random[BERTH_TLS_RANDOM_BYTES] = {0};
	static const struct {
		size_t at;
		uint8_t byte;
	} changes[] = {{0, 23}, {1, 2}, {5, 2}};

	(void)state;
	memset(hello + 11, 0xab, sizeof random);
	assert_false(berth_relayed_hello(berth_bytes_of(hello, sizeof hello - 1), random));
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		uint8_t former = hello[changes[i].at];

		hello[changes[i].at] = changes[i].byte;
		assert_false(berth_relayed_hello(berth_bytes_of(hello, sizeof hello), random));
		hello[changes[i].at] = former;
	}
	assert_int_equal(random[0], 0);
	assert_true(berth_relayed_hello(berth_bytes_of(hello, sizeof hello), random));
	assert_memory_equal(random, hello + 11, sizeof random);
}

static void
reads_a_report_of_64_and_refuses_the_smallest_change(void **state)
{
	struct berth_relayed relayed = {.count = BERTH_GATEWAY_REPORT_MAX};
	struct berth_relayed got = {0};
	struct berth_why why = {0};
	BERTH_BUF json = {0};

	(void)state;
	for (size_t i = 0; i < relayed.count; i++)
		memset(relayed.random[i], (int)i, sizeof relayed.random[i]);
	assert_int_equal(berth_relayed_build(&relayed, &json, &why), BERTH_OK);
	assert_int_equal(berth_relayed_parse(berth_buf_view(&json), &got, &why), BERTH_OK);
	assert_memory_equal(&got, &relayed, sizeof got);
	/* one more */
	json.n -= 2;
	assert_int_equal(berth_buf_append_bytes(&json, BERTH_LIT(",\"00\"]}")), BERTH_OK);
	assert_int_equal(berth_relayed_parse(berth_buf_view(&json), &got, &why), BERTH_E_LIMIT);
	assert_string_equal(why.rule, "gateway-report");
	/* a digit less, and a member more */
	assert_int_equal(berth_relayed_parse(BERTH_LIT("{\"relayed\":[\"00\"]}"), &got, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "gateway-report-random");
	assert_int_equal(berth_relayed_parse(BERTH_LIT("{\"relayed\":[],\"x\":1}"), &got, &why),
			 BERTH_E_SYNTAX);
	assert_string_equal(why.rule, "json-unknown-member");
	assert_memory_equal(&got, &relayed, sizeof got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_random_bytes_of_a_client_hello_and_of_nothing_else),
		cmocka_unit_test(reads_a_report_of_64_and_refuses_the_smallest_change),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
