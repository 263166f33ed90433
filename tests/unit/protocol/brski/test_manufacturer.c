/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/manufacturer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "pki/issue.h"
#include "support/registrar_fixture.h"

static void
make_idevid(struct fixture *f, struct berth_cert_template what, struct berth_cert **ret)
{
	BERTH_BUF der = {0};
	struct berth_key *key = fixture_key(f, "P-256");
	struct berth_why why = {0};
	what.profile = BERTH_PROFILE_IDEVID;
	what.serial[0] = 0x40;
	what.not_before = f->now.wall;
	what.not_after = BERTH_WALL_NO_EXPIRY;
	what.masa_url = BERTH_LIT("masa.example");
	what.key = key;
	fixture_must(berth_issue(f->pki, &what, f->maker.cert, f->maker.key, &der, &why), &why,
		     "issue");
	fixture_must(berth_cert_parse(f->pki, berth_buf_view(&der), ret, &why), &why, "parse");
	berth_key_free(key);
}

static void
assert_serial(const struct berth_cert *idevid, enum berth_identity_rule rule, const char *want)
{
	struct berth_bytes serial = berth_identity_serial(rule, idevid);
	if (!berth_bytes_equal_text(serial, want))
		fail_msg("rule %d: wanted \"%s\", got \"%.*s\"", (int)rule, want, (int)serial.n,
			 (const char *)serial.p);
}

/* req: rfc8995-2.3.1-serial-number */
static void
a_device_is_named_by_what_its_manufacturers_rule_takes(void **state)
{
	BERTH_CERT *idevid = NULL;
	make_idevid(*state,
		    (struct berth_cert_template){
			    .common_name = BERTH_LIT("unit 7"),
			    .serial_number = BERTH_LIT("PID:C9500-16X SN:FCW2117A56M"),
			    .hw_type = "1.3.6.1.4.1.32473.1",
			    .hw_serial = BERTH_LIT("H-7"),
		    },
		    &idevid);
	assert_serial(idevid, BERTH_IDENTITY_SERIAL_NUMBER, "PID:C9500-16X SN:FCW2117A56M");
	assert_serial(idevid, BERTH_IDENTITY_SERIAL_NUMBER_SN, "FCW2117A56M");
	assert_serial(idevid, BERTH_IDENTITY_COMMON_NAME, "unit 7");
	assert_serial(idevid, BERTH_IDENTITY_HARDWARE_SERIAL, "H-7");
}

/* req: rfc8995-2.3.1-serial-number */
static void
a_device_without_what_the_rule_takes_has_no_name(void **state)
{
	static const char *const serials[] = {"FCW2117A56M", "XSN:FCW2117A56M", "PID:C SN:"};
	for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
		BERTH_CERT *idevid = NULL;
		make_idevid(*state,
			    (struct berth_cert_template){.serial_number = berth_text(serials[i])},
			    &idevid);
		assert_serial(idevid, BERTH_IDENTITY_SERIAL_NUMBER_SN, "");
		assert_serial(idevid, BERTH_IDENTITY_COMMON_NAME, "");
		assert_serial(idevid, BERTH_IDENTITY_HARDWARE_SERIAL, "");
	}
}

static void
knows_four_rules_by_name_and_no_other(void **state)
{
	(void)state;
	static const char *const words[] = {"serial-number", "serial-number-sn", "common-name",
					    "hardware-serial"};
	static const char *const others[] = {"", "serial", "Common-Name", "common-name "};
	enum berth_identity_rule rule;
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(berth_identity_rule_parse(berth_text(words[i]), &rule, NULL),
				 BERTH_OK);
		assert_int_equal(rule, i);
		assert_int_equal(berth_identity_rule_parse(berth_text(others[i]), &rule, NULL),
				 BERTH_E_USAGE);
	}
}

static int
open_world(void **state)
{
	*state = fixture_open();
	return 0;
}

static int
close_world(void **state)
{
	fixture_close(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_named_by_what_its_manufacturers_rule_takes),
		cmocka_unit_test(a_device_without_what_the_rule_takes_has_no_name),
		cmocka_unit_test(knows_four_rules_by_name_and_no_other),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
