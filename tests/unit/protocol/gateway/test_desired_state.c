/* SPDX-License-Identifier: BSD-2-Clause */
/* What a gateway is told, asked for and put together from pages. */
#include "protocol/gateway/desired_state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define DEVICE                                                                                     \
	"{\"id\":\"3f9a0c11d2e4-CAM-1\",\"state\":\"enrolled\",\"segment\":\"cameras\","           \
	"\"issuer-key-id\":\"00ff\",\"serial\":\"0a\"}"

static enum berth_err
parse(const char *json, struct berth_desired_state *ret, struct berth_why *why)
{
	return berth_desired_state_parse(berth_text(json), BERTH_GATEWAY_PAGE_DEVICES, ret, why);
}

static void
reads_what_was_written_and_refuses_the_smallest_change(void **state)
{
	static const struct {
		const char *json;
		const char *rule; /* NULL: taken */
	} rows[] = {
		{"{\"generation\":1,\"lease-s\":60,\"from\":0,\"total\":1,\"devices\":[" DEVICE
		 "]}",
		 NULL},
		{"{\"generation\":1,\"lease-s\":60,\"from\":0,\"total\":0,\"devices\":[]}", NULL},
		{"{\"generation\":0,\"lease-s\":60,\"from\":0,\"total\":0,\"devices\":[]}",
		 "json-member-range"},
		{"{\"generation\":9007199254740993,\"lease-s\":60,\"from\":0,\"total\":0,"
		 "\"devices\":[]}",
		 "json-member-range"},
		{"{\"generation\":1,\"lease-s\":0,\"from\":0,\"total\":0,\"devices\":[]}",
		 "json-member-range"},
		{"{\"generation\":1,\"lease-s\":3601,\"from\":0,\"total\":0,\"devices\":[]}",
		 "json-member-range"},
		{"{\"generation\":1,\"lease-s\":60,\"total\":0,\"devices\":[]}",
		 "json-missing-member"},
		/* no page of a list: beyond its end, and empty before its end */
		{"{\"generation\":1,\"lease-s\":60,\"from\":0,\"total\":0,\"devices\":[" DEVICE
		 "]}",
		 "gateway-page"},
		{"{\"generation\":1,\"lease-s\":60,\"from\":256,\"total\":256,\"devices\":[" DEVICE
		 "]}",
		 "gateway-page"},
		{"{\"generation\":1,\"lease-s\":60,\"from\":256,\"total\":257,\"devices\":[" DEVICE
		 "]}",
		 NULL},
		{"{\"generation\":1,\"lease-s\":60,\"from\":0,\"total\":1,\"devices\":[]}",
		 "gateway-page"},
		{"{\"generation\":1,\"lease-s\":60,\"from\":0,\"total\":1,\"devices\":[{\"id\":"
		 "\"x\",\"state\":\"enrolled\",\"segment\":\"\",\"issuer-key-id\":\"0\",\"serial\":"
		 "\"\"}]}",
		 "gateway-state-member"},
		{"{\"generation\":1,\"lease-s\":60,\"from\":0,\"total\":1,\"devices\":[{\"id\":"
		 "\"x\",\"state\":\"lost\",\"segment\":\"\",\"issuer-key-id\":\"\",\"serial\":"
		 "\"\"}]}",
		 "device-state"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		BERTH_DESIRED_STATE got = {0};
		struct berth_why why = {0};
		enum berth_err err = parse(rows[i].json, &got, &why);

		print_message("%s\n", rows[i].json);
		assert_int_equal(err == BERTH_OK, rows[i].rule == NULL);
		if (rows[i].rule) {
			assert_string_equal(why.rule, rows[i].rule);
			assert_null(got.devices);
			continue;
		}
		BERTH_BUF json = {0};
		assert_int_equal(berth_desired_state_build(&got, &json, NULL), BERTH_OK);
		assert_true(berth_bytes_equal_text(berth_buf_view(&json), rows[i].json));
	}
}

/* req: gateway-older-generation */
static void
refuses_an_older_generation_than_it_holds(void **state)
{
	struct berth_desired_state got = {.generation = 7};
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_desired_state_check_newer(6, &got, &why), BERTH_OK);
	assert_int_equal(berth_desired_state_check_newer(7, &got, &why), BERTH_OK);
	assert_int_equal(berth_desired_state_check_newer(8, &got, &why), BERTH_E_DENIED);
	assert_string_equal(why.rule, "gateway-older-generation");
}

static void
reads_its_question_and_no_other(void **state)
{
	static const struct {
		const char *query;
		int64_t after; /* -1: refused */
		size_t from;
	} rows[] = {
		{"", 0, 0},
		{"after=0", 0, 0},
		{"after=9007199254740991", (INT64_C(1) << 53) - 1, 0},
		{"after=9007199254740992", -1, 0},
		{"after=99999999999999999999", -1, 0},
		{"after=", -1, 0},
		{"after=-1", -1, 0},
		{"after=1x", -1, 0},
		{"before=1", -1, 0},
		{"after=1&from=256", 1, 256},
		{"after=1&from=4294967294", 1, 4294967294},
		{"after=1&from=4294967295", -1, 0},
		{"after=1&from=", -1, 0},
		{"after=1&from=2&from=2", -1, 0},
		{"after=1&to=256", -1, 0},
		{"from=256", -1, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct berth_desired_state_query query;
		struct berth_why why = {0};
		enum berth_err err =
			berth_desired_state_query_parse(berth_text(rows[i].query), &query, &why);

		print_message("%s\n", rows[i].query);
		assert_int_equal(err, rows[i].after < 0 ? BERTH_E_SYNTAX : BERTH_OK);
		if (err) {
			assert_string_equal(why.rule, "gateway-after");
			continue;
		}
		assert_int_equal(query.after, rows[i].after);
		assert_int_equal(query.from, rows[i].from);
	}
}

static struct berth_desired_state
page_of(int64_t generation, size_t from, size_t total, size_t n)
{
	struct berth_desired_state page = {.generation = generation,
					   .lease_s = 60,
					   .from = from,
					   .total = total,
					   .count = n,
					   .devices = calloc(n + 1, sizeof *page.devices)};

	assert_non_null(page.devices);
	for (size_t i = 0; i < n; i++)
		snprintf(page.devices[i].id, sizeof page.devices[i].id, "%zu", from + i);
	return page;
}

static enum berth_err
add(struct berth_desired_state *whole, struct berth_desired_state page, struct berth_why *why)
{
	enum berth_err err = berth_desired_state_add_page(whole, &page, why);

	berth_desired_state_free(&page);
	return err;
}

/* req: gateway-pages */
static void
puts_pages_of_one_generation_together_and_no_others(void **state)
{
	BERTH_DESIRED_STATE whole = {0};
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(add(&whole, page_of(7, 0, 300, 256), &why), BERTH_OK);
	assert_false(berth_desired_state_is_whole(&whole));
	/* the smallest changes: generation, number, total */
	assert_int_equal(add(&whole, page_of(8, 256, 300, 44), &why), BERTH_E_STATE);
	assert_string_equal(why.rule, "gateway-page");
	assert_int_equal(add(&whole, page_of(7, 255, 300, 44), &why), BERTH_E_STATE);
	assert_int_equal(add(&whole, page_of(7, 256, 301, 44), &why), BERTH_E_STATE);
	assert_int_equal(whole.count, 256);
	assert_int_equal(add(&whole, page_of(7, 256, 300, 44), &why), BERTH_OK);
	assert_true(berth_desired_state_is_whole(&whole));
	for (size_t i = 0; i < whole.count; i++)
		assert_int_equal(strtoul(whole.devices[i].id, NULL, 10), i);
	/* a first page begins anew */
	assert_int_equal(add(&whole, page_of(9, 0, 1, 1), &why), BERTH_OK);
	assert_int_equal(whole.count, 1);
	assert_int_equal(whole.generation, 9);
	assert_true(berth_desired_state_is_whole(&whole));
}

static void
keeps_so_many_devices_and_knows_of_the_rest(void **state)
{
	BERTH_DESIRED_STATE whole = {0};

	(void)state;
	while (!berth_desired_state_is_whole(&whole) || whole.count == 0)
		assert_int_equal(add(&whole, page_of(7, whole.count, 5000, 250), NULL), BERTH_OK);
	assert_int_equal(whole.count, BERTH_GATEWAY_DEVICES_MAX);
	assert_int_equal(whole.total, 5000);
}

static void
knows_whether_a_page_says_something_new(void **state)
{
	BERTH_DESIRED_STATE held = page_of(7, 0, 300, 300);

	(void)state;
	for (int change = 0; change < 8; change++) {
		BERTH_DESIRED_STATE page = page_of(7, 0, 300, 256);
		struct berth_gateway_device *last = &page.devices[255];

		page.generation += change == 1;
		page.total += change == 2;
		last->id[0] = change == 3 ? 'x' : last->id[0];
		last->state = change == 4 ? BERTH_DEVICE_REVOKED : last->state;
		last->segment[0] = change == 5 ? 'x' : 0;
		last->issuer_key_id[0] = change == 6 ? '0' : 0;
		last->serial[0] = change == 7 ? '0' : 0;
		assert_int_equal(berth_desired_state_begins_with(&held, &page), change == 0);
	}
}

/* The longest that a page can be fits what a gateway reads. */
static void
a_page_of_the_longest_records_is_not_too_long(void **state)
{
	BERTH_DESIRED_STATE page =
		page_of(BERTH_GATEWAY_GENERATION_MAX, 0, 99999, BERTH_GATEWAY_PAGE_DEVICES);
	BERTH_DESIRED_STATE again = {0};
	BERTH_BUF json = {0};

	(void)state;
	for (size_t i = 0; i < page.count; i++) {
		struct berth_gateway_device *device = &page.devices[i];

		memset(device->id, '"', sizeof device->id - 1);
		memset(device->segment, '\\', sizeof device->segment - 1);
		memset(device->issuer_key_id, 'f', sizeof device->issuer_key_id - 1);
		memset(device->serial, 'f', sizeof device->serial - 1);
		device->state = BERTH_DEVICE_QUARANTINED;
	}
	assert_int_equal(berth_desired_state_build(&page, &json, NULL), BERTH_OK);
	assert_int_equal(berth_desired_state_parse(berth_buf_view(&json),
						   BERTH_GATEWAY_PAGE_DEVICES, &again, NULL),
			 BERTH_OK);
	again.count = 0;
	assert_int_equal(berth_desired_state_parse(berth_buf_view(&json),
						   BERTH_GATEWAY_PAGE_DEVICES - 1, &again, NULL),
			 BERTH_E_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_was_written_and_refuses_the_smallest_change),
		cmocka_unit_test(refuses_an_older_generation_than_it_holds),
		cmocka_unit_test(reads_its_question_and_no_other),
		cmocka_unit_test(puts_pages_of_one_generation_together_and_no_others),
		cmocka_unit_test(keeps_so_many_devices_and_knows_of_the_rest),
		cmocka_unit_test(knows_whether_a_page_says_something_new),
		cmocka_unit_test(a_page_of_the_longest_records_is_not_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
