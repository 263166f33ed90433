/* SPDX-License-Identifier: BSD-2-Clause */
/* A configuration that says nothing denies; the example in data/ is one that the program takes. */
#include "role/masa/masa_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "system/files.h"

#define NEEDED                                                                                     \
	"[daemon]\ntls-certificates = t\ntls-key = file:k\nstate-directory = s\n"                  \
	"[masa]\nmanufacturer-anchors = a\nsigner-certificates = c\nsigner-key = file:k\n"

static enum berth_err
parse(struct berth_bytes text, struct berth_conf *conf, struct berth_masa_settings *settings,
      struct berth_why *why)
{
	const struct berth_conf_text file = {.name = "masa.conf", .text = text};

	return berth_conf_parse(&berth_masa_schema, &file, 1, conf, settings, why);
}

static void
expect_denying(const struct berth_masa_settings *s)
{
	assert_int_equal(s->ownership, BERTH_MASA_OWNERSHIP_RECORDED);
	assert_int_equal(s->revocation, BERTH_MASA_REVOCATION_FETCH);
	assert_int_equal(s->pinning, BERTH_MASA_PIN_CA);
	assert_false(s->allow_nonceless);
	assert_false(s->allow_without_proximity);
	assert_false(s->ignore_idevid_time);
}

static void
defaults_deny(void **state)
{
	(void)state;
	BERTH_CONF conf = {0};
	struct berth_masa_settings s = {0};

	assert_int_equal(parse(berth_text(NEEDED), &conf, &s, NULL), BERTH_OK);
	expect_denying(&s);
	assert_int_equal(s.request_age_s, 1200);
	assert_int_equal(berth_masa_settings_check(&s, NULL), BERTH_OK);
}

static void
the_example_is_taken_and_denies(void **state)
{
	(void)state;
	BERTH_CONF conf = {0};
	BERTH_BUF text = {0};
	struct berth_masa_settings s = {0};
	struct berth_why why = {0};
	const char *checkout = getenv("BERTH_CHECKOUT");
	char path[512];

	assert_non_null(checkout);
	snprintf(path, sizeof(path), "%s/data/masa.conf", checkout);
	assert_int_equal(berth_file_read(path, 65536, &text, &why), BERTH_OK);
	if (parse(berth_buf_view(&text), &conf, &s, &why))
		fail_msg("%s", why.sentence);
	expect_denying(&s);
}

static void
refuses_what_it_does_not_know(void **state)
{
	(void)state;
	static const char *const rows[] = {
		NEEDED "ownership = everybody\n",
		NEEDED "allow-nonces = yes\n",
		NEEDED "request-age = 1s\n",
		"[masa]\nmanufacturer-anchors = a\n",
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_CONF conf = {0};
		struct berth_masa_settings s = {0};

		print_message("%s\n", rows[i]);
		assert_int_not_equal(parse(berth_text(rows[i]), &conf, &s, NULL), BERTH_OK);
	}
}

static void
demands_anchors_for_the_client_certificates_it_demands(void **state)
{
	(void)state;
	BERTH_CONF conf = {0};
	struct berth_masa_settings s = {0};

	assert_int_equal(
		parse(berth_text(NEEDED "require-client-certificate = yes\n"), &conf, &s, NULL),
		BERTH_OK);
	assert_int_equal(berth_masa_settings_check(&s, NULL), BERTH_E_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_deny),
		cmocka_unit_test(the_example_is_taken_and_denies),
		cmocka_unit_test(refuses_what_it_does_not_know),
		cmocka_unit_test(demands_anchors_for_the_client_certificates_it_demands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
