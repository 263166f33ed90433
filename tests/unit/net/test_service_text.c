/* SPDX-License-Identifier: BSD-2-Clause */
#include "net/dns_sd.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct berth_service service;

static enum berth_err
parse(struct berth_bytes rdata)
{
	service = (struct berth_service){0};
	return berth_service_text_parse(rdata, &service, NULL);
}

static void
reads_the_strings_of_a_registrar(void **state)
{
	(void)state;
	assert_int_equal(parse(BERTH_LIT("\x07"
					 "est-tls"
					 "\x08"
					 "prm-jose"
					 "\x09"
					 "path=/est")),
			 BERTH_OK);
	assert_int_equal(service.text_count, 3);
	assert_string_equal(service.text[0], "est-tls");
	assert_string_equal(berth_service_text(&service, "PRM-jose"), "");
	assert_string_equal(berth_service_text(&service, "path"), "/est");
	assert_null(berth_service_text(&service, "pat"));
	assert_null(berth_service_text(&service, "est"));
	assert_int_equal(parse(BERTH_LIT("")), BERTH_OK);
	assert_int_equal(parse(BERTH_LIT("\0")), BERTH_OK);
	assert_int_equal(service.text_count, 0);
}

static void
leaves_out_what_breaks_a_rule(void **state)
{
	(void)state;
	assert_int_equal(parse(BERTH_LIT("\x02"
					 "=a"
					 "\x03"
					 "a\nb"
					 "\x02"
					 "\xc3\xa9"
					 "\x02"
					 "ok")),
			 BERTH_OK);
	assert_int_equal(service.text_count, 1);
	assert_string_equal(service.text[0], "ok");
	uint8_t many[2 * (BERTH_SERVICE_TEXT_MAX + 1)];
	for (size_t i = 0; i < sizeof many; i += 2) {
		many[i] = 1;
		many[i + 1] = 'a';
	}
	assert_int_equal(parse(berth_bytes_of(many, sizeof many)), BERTH_OK);
	assert_int_equal(service.text_count, BERTH_SERVICE_TEXT_MAX);
}

static void
keeps_the_longest_string_whole(void **state)
{
	(void)state;
	uint8_t longest[256];

	memset(longest, 'a', sizeof longest);
	longest[0] = 255;
	assert_int_equal(parse(berth_bytes_of(longest, sizeof longest)), BERTH_OK);
	assert_int_equal(strlen(service.text[0]), 255);
}

static void
refuses_a_record_that_ends_inside_a_string(void **state)
{
	(void)state;
	assert_int_not_equal(parse(BERTH_LIT("\x02"
					     "ok"
					     "\x08"
					     "est-tls")),
			     BERTH_OK);
	assert_int_equal(service.text_count, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_strings_of_a_registrar),
		cmocka_unit_test(leaves_out_what_breaks_a_rule),
		cmocka_unit_test(keeps_the_longest_string_whole),
		cmocka_unit_test(refuses_a_record_that_ends_inside_a_string),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
