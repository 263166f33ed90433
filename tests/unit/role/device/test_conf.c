/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "role/device/conf.h"

static void
reads_addresses_of_registrars(void **state)
{
	static const struct {
		const char *text;
		const char *host; /* NULL: refused */
		uint16_t port;
	} rows[] = {
		{"192.0.2.1:8443", "192.0.2.1", 8443},
		{"[fe80::1%eth0]:8443", "fe80::1%eth0", 8443},
		{"registrar.example:443", "registrar.example", 443},
		{"192.0.2.1", NULL, 0},
		{"192.0.2.1:", NULL, 0},
		{"192.0.2.1:0", NULL, 0},
		{"192.0.2.1:65536", NULL, 0},
		{"192.0.2.1:84a3", NULL, 0},
		{":8443", NULL, 0},
		{"[fe80::1:8443", NULL, 0},
		{"[]:8443", NULL, 0},
		{"[fe80::1]8443", NULL, 0},
		{"", NULL, 0},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_pledge_candidate got = {0};
		struct berth_why why = {0};
		enum berth_err err = berth_device_candidate_parse(rows[i].text, &got, &why);
		if ((err == BERTH_OK) != (rows[i].host != NULL)) {
			fail_msg("'%s'", rows[i].text);
		}
		if (rows[i].host) {
			assert_string_equal(got.host, rows[i].host);
			assert_int_equal(got.port, rows[i].port);
			assert_true(got.is_static);
		}
	}
}

static enum berth_err
load(const char *text, struct berth_conf *conf, struct berth_device_conf *settings,
     struct berth_why *why)
{
	char path[] = "/tmp/berth-device-conf-XXXXXX";
	const int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
	enum berth_err err = berth_device_conf_load(path, conf, settings, why);
	(void)unlink(path);
	return err;
}

#define NEEDED                                                                                     \
	"[device]\n"                                                                               \
	"idevid-certificates = a.pem\n"                                                            \
	"idevid-key = file:a.key\n"                                                                \
	"manufacturer-anchors = b.pem\n"

static void
has_careful_defaults(void **state)
{
	(void)state;
	BERTH_CONF conf = {0};
	struct berth_device_conf settings = {0};
	struct berth_why why = {0};
	assert_int_equal(load(NEEDED, &conf, &settings, &why), BERTH_OK);
	assert_string_equal(settings.idevid_key, "file:/tmp/a.key");
	assert_string_equal(settings.state_directory, "/var/lib/berth-device");
	assert_int_equal(settings.clock, BERTH_DEVICE_CLOCK_TRUSTED);
	assert_true(settings.dns_sd);
	assert_true(settings.accept_nonceless);
	assert_string_equal(settings.key_kind, "P-256");
	assert_null(settings.user);
}

static void
refuses_a_configuration_that_cannot_work(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} rows[] = {
		{"no birth key", "[device]\nidevid-certificates = a\nmanufacturer-anchors = b\n"},
		{"an unknown key", NEEDED "colour = red\n"},
		{"an unknown clock", NEEDED "clock = maybe\n"},
		{"a key name without its mark", NEEDED "ldevid-key = file:/tmp/one.key\n"},
		{"a key name with two marks", NEEDED "ldevid-key = file:/tmp/{id}{id}.key\n"},
		{"nobody to find", NEEDED "[discovery]\ndns-sd = no\n"},
		{"a bad address", NEEDED "[discovery]\nregistrar = 192.0.2.1\n"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_CONF conf = {0};
		struct berth_device_conf settings = {0};
		struct berth_why why = {0};
		if (load(rows[i].text, &conf, &settings, &why) == BERTH_OK) {
			fail_msg("%s is taken", rows[i].name);
		}
		assert_true(why.sentence[0] != 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_addresses_of_registrars),
		cmocka_unit_test(has_careful_defaults),
		cmocka_unit_test(refuses_a_configuration_that_cannot_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
