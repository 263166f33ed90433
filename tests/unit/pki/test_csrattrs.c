/* SPDX-License-Identifier: BSD-2-Clause */
/* The template of RFC 9908; what RFC 7030 has is tested with requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pki/csrattrs.h"

/* What the examples below are made of, in hex and short. */
#define TEMPLATE_OID "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x3d"
#define P256_INFO                                                                                  \
	"\xa0\x15\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01" \
	"\x07"
#define COMMON_NAME "\x31\x07\x30\x05\x06\x03\x55\x04\x03"
#define EXTENSION_REQUEST "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define EXTENSION_TEMPLATE "\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x3e"
#define SAN_ALONE "\x30\x05\x06\x03\x55\x1d\x11"

/* content: what stands in the template's SEQUENCE; all lengths are below 128. */
static enum berth_err
read_template(const char *content, size_t n, struct berth_csrattrs *ret, struct berth_why *why)
{
	BERTH_BUF der = {0};
	const uint8_t head[] = {0x30, (uint8_t)(n + 19), 0x30, (uint8_t)(n + 17)};
	const uint8_t inner[] = {0x31, (uint8_t)(n + 2), 0x30, (uint8_t)n};
	assert_true(n < 100);
	assert_int_equal(berth_buf_append(&der, head, sizeof(head)), BERTH_OK);
	assert_int_equal(berth_buf_append(&der, TEMPLATE_OID, sizeof(TEMPLATE_OID) - 1), BERTH_OK);
	assert_int_equal(berth_buf_append(&der, inner, sizeof(inner)), BERTH_OK);
	assert_int_equal(berth_buf_append(&der, content, n), BERTH_OK);
	enum berth_err err = berth_csrattrs_parse(berth_buf_view(&der), ret, why);
	ret->dns_name_count = 0; /* its views die here */
	return err;
}

/* req: rfc9908-3.4-template rfc9908-3.4-subject rfc9908-3.4-key rfc9908-3.2-extension-values */
static void
a_template_survives_the_round_trip(void **state)
{
	(void)state;
	const struct berth_csrattrs said = {
		.want_serial_number = true,
		.want_common_name = true,
		.key = "P-384",
		.serial_number = BERTH_LIT("CAM-1"),
		.organization = BERTH_LIT("Example Home"),
		.unit = BERTH_LIT("gateway"),
		.dns_names = {BERTH_LIT("a.example"), BERTH_LIT("b.example")},
		.dns_name_count = 2,
	};
	BERTH_BUF der = {0};
	struct berth_csrattrs read = {0};
	assert_int_equal(berth_csrattrs_build(&said, BERTH_CSRATTRS_TEMPLATE, &der, NULL),
			 BERTH_OK);
	assert_int_equal(berth_csrattrs_parse(berth_buf_view(&der), &read, NULL), BERTH_OK);
	assert_true(read.is_template && read.want_serial_number && read.want_common_name);
	assert_string_equal(read.key, "P-384");
	assert_true(berth_bytes_equal_text(read.serial_number, "CAM-1"));
	assert_int_equal(read.common_name.n, 0); /* the client's own */
	assert_true(berth_bytes_equal_text(read.organization, "Example Home"));
	assert_true(berth_bytes_equal_text(read.unit, "gateway"));
	assert_int_equal(read.dns_name_count, 2);
	assert_true(berth_bytes_equal_text(read.dns_names[1], "b.example"));
}

/* req: rfc9908-4-template-alone */
static void
a_client_that_knows_the_template_reads_it_alone(void **state)
{
	(void)state;
	const struct berth_csrattrs said = {.want_serial_number = true,
					    .key = "P-256",
					    .want_sha256 = true,
					    .want_challenge_password = true,
					    .organization = BERTH_LIT("Example Home")};
	BERTH_BUF both = {0};
	BERTH_BUF plain = {0};
	struct berth_csrattrs read = {0};
	assert_int_equal(berth_csrattrs_build(&said, BERTH_CSRATTRS_BOTH, &both, NULL), BERTH_OK);
	assert_int_equal(berth_csrattrs_parse(berth_buf_view(&both), &read, NULL), BERTH_OK);
	assert_true(read.is_template);
	assert_true(berth_bytes_equal_text(read.organization, "Example Home"));
	assert_false(read.want_sha256 || read.want_challenge_password);
	assert_int_equal(berth_csrattrs_build(&said, BERTH_CSRATTRS_PLAIN, &plain, NULL), BERTH_OK);
	assert_int_equal(berth_csrattrs_parse(berth_buf_view(&plain), &read, NULL), BERTH_OK);
	assert_false(read.is_template);
	assert_true(read.want_sha256 && read.want_challenge_password);
	assert_int_equal(read.organization.n, 0);
}

/* req: rfc9908-3.4-extensions rfc9908-3.2-unknown */
static void
names_that_the_client_fills_in_are_said_by_the_extension_template(void **state)
{
	(void)state;
	const struct berth_csrattrs said = {.want_dns_names = true};
	BERTH_BUF der = {0};
	struct berth_csrattrs read = {0};
	assert_int_equal(berth_csrattrs_build(&said, BERTH_CSRATTRS_TEMPLATE, &der, NULL),
			 BERTH_OK);
	assert_non_null(memmem(der.p, der.n, EXTENSION_TEMPLATE, sizeof(EXTENSION_TEMPLATE) - 1));
	assert_null(memmem(der.p, der.n, EXTENSION_REQUEST, sizeof(EXTENSION_REQUEST) - 1));
	assert_int_equal(berth_csrattrs_parse(berth_buf_view(&der), &read, NULL), BERTH_OK);
	assert_true(read.want_dns_names);
	assert_int_equal(read.dns_name_count, 0);
}

/* req: rfc9908-3.4-template rfc9908-3.4-extensions rfc9908-3.4-subject rfc9908-3.2-once */
static void
refuses_templates_that_are_not_one(void **state)
{
	(void)state;
#define ROW(name, text, err, rule)                                                                 \
	{                                                                                          \
		name, text, sizeof(text) - 1, err, rule                                            \
	}
	const struct {
		const char *name;
		const char *content;
		size_t n;
		enum berth_err err;
		const char *rule;
	} rows[] = {
		ROW("version 0 and nothing asked for", "\x02\x01\x00\xa1\x00", BERTH_OK, NULL),
		ROW("a key", "\x02\x01\x00" P256_INFO "\xa1\x00", BERTH_OK, NULL),
		ROW("a name for the client to fill in",
		    "\x02\x01\x00\x30\x09" COMMON_NAME "\xa1\x00", BERTH_OK, NULL),
		ROW("no version", "\xa1\x00", BERTH_E_SYNTAX, "csrattrs-syntax"),
		ROW("version 1", "\x02\x01\x01\xa1\x00", BERTH_E_SYNTAX, "csrattrs-syntax"),
		ROW("no attributes", "\x02\x01\x00", BERTH_E_SYNTAX, "csrattrs-syntax"),
		ROW("something after the attributes", "\x02\x01\x00\xa1\x00\xa2\x00",
		    BERTH_E_SYNTAX, "csrattrs-syntax"),
		ROW("the name twice", "\x02\x01\x00\x30\x12" COMMON_NAME COMMON_NAME "\xa1\x00",
		    BERTH_E_UNSUPPORTED, "rfc9908-3.4-unknown-name"),
		ROW("a name that nobody knows",
		    "\x02\x01\x00\x30\x09\x31\x07\x30\x05\x06\x03\x55\x04\x2a\xa1\x00",
		    BERTH_E_UNSUPPORTED, "rfc9908-3.4-unknown-name"),
		ROW("an organization of the client's own",
		    "\x02\x01\x00\x30\x09\x31\x07\x30\x05\x06\x03\x55\x04\x0a\xa1\x00",
		    BERTH_E_UNSUPPORTED, "rfc9908-3.4-unknown-name"),
		ROW("a curve that nobody knows",
		    "\x02\x01\x00\xa0\x12\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b"
		    "\x81\x04\x00\x0a\xa1\x00",
		    BERTH_E_UNSUPPORTED, "rfc9908-3.4-key"),
		ROW("both kinds of extension request",
		    "\x02\x01\x00\xa1\x32\x30\x16" EXTENSION_REQUEST "\x31\x09\x30\x07" SAN_ALONE
		    "\x30\x18" EXTENSION_TEMPLATE "\x31\x09\x30\x07" SAN_ALONE,
		    BERTH_E_SYNTAX, "csrattrs-syntax"),
		ROW("an extension request without a value",
		    "\x02\x01\x00\xa1\x18\x30\x16" EXTENSION_REQUEST "\x31\x09\x30\x07" SAN_ALONE,
		    BERTH_E_SYNTAX, "csrattrs-syntax"),
		ROW("an extension template without a value",
		    "\x02\x01\x00\xa1\x1a\x30\x18" EXTENSION_TEMPLATE "\x31\x09\x30\x07" SAN_ALONE,
		    BERTH_OK, NULL),
		ROW("one extension twice",
		    "\x02\x01\x00\xa1\x21\x30\x1f" EXTENSION_TEMPLATE
		    "\x31\x10\x30\x0e" SAN_ALONE SAN_ALONE,
		    BERTH_E_SYNTAX, "csrattrs-syntax"),
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_csrattrs read = {0};
		struct berth_why why = {0};
		print_message("%s\n", rows[i].name);
		assert_int_equal(read_template(rows[i].content, rows[i].n, &read, &why),
				 rows[i].err);
		if (rows[i].err)
			assert_string_equal(why.rule, rows[i].rule);
		else
			assert_true(read.is_template);
	}
}

/* req: rfc9908-3.4-template */
static void
refuses_two_templates(void **state)
{
	(void)state;
	const struct berth_csrattrs said = {.key = "P-256"};
	BERTH_BUF one = {0};
	BERTH_BUF two = {0};
	struct berth_csrattrs read = {0};
	assert_int_equal(berth_csrattrs_build(&said, BERTH_CSRATTRS_TEMPLATE, &one, NULL),
			 BERTH_OK);
	const uint8_t head[] = {0x30, (uint8_t)(2 * (one.n - 2))};
	assert_int_equal(berth_buf_append(&two, head, sizeof(head)), BERTH_OK);
	for (int i = 0; i < 2; i++)
		assert_int_equal(berth_buf_append(&two, one.p + 2, one.n - 2), BERTH_OK);
	assert_int_equal(berth_csrattrs_parse(berth_buf_view(&two), &read, NULL), BERTH_E_SYNTAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_template_survives_the_round_trip),
		cmocka_unit_test(a_client_that_knows_the_template_reads_it_alone),
		cmocka_unit_test(names_that_the_client_fills_in_are_said_by_the_extension_template),
		cmocka_unit_test(refuses_templates_that_are_not_one),
		cmocka_unit_test(refuses_two_templates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
