/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static enum berth_err
load(const char *text, struct berth_conf *conf, struct berth_gateway_conf *settings,
     struct berth_why *why)
{
	char path[] = "/tmp/berth-gateway-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	enum berth_err err = berth_gateway_conf_load(path, conf, settings, why);
	unlink(path);
	return err;
}

static void
reads_what_it_needs_and_fills_in_the_rest(void **state)
{
	BERTH_CONF conf = {0};
	struct berth_gateway_conf settings = {0};

	(void)state;
	assert_int_equal(load("[gateway]\nidentity = none\ndevice-interfaces = eth1, eth2\n"
			      "registrar-interfaces = eth0\n",
			      &conf, &settings, NULL),
			 BERTH_OK);
	assert_int_equal(settings.device_interfaces.count, 2);
	assert_string_equal(settings.device_interfaces.items[1], "eth2");
	assert_true(settings.is_announced);
	/* A device that was told to wait asks again within 60 seconds (checklist 14). */
	assert_true(settings.idle_timeout_s > 60);
	assert_int_equal(settings.connections_per_source_max, 4);
}

static void
refuses_what_would_relay_to_nobody_or_anybody(void **state)
{
	static const struct {
		const char *text;
		const char *rule; /* NULL: of the configuration reader */
	} rows[] = {
		{"[gateway]\nidentity = none\ndevice-interfaces = a\nregistrars = 192.0.2.1:8443\n",
		 ""},
		{"[gateway]\nidentity = none\ndevice-interfaces = a\n", "gateway-no-registrar"},
		/* Relaying without an identity is something that somebody says, not what is forgotten. */
		{"[gateway]\ndevice-interfaces = a\nregistrars = 192.0.2.1:8443\n",
		 "gateway-identity"},
		{"[gateway]\ndevice-interfaces = a\nregistrars = 192.0.2.1:8443\n"
		 "[identity]\nstate-directory = /var/lib/berth-device\n",
		 ""},
		{"[gateway]\ndevice-interfaces = a\nregistrars = 192.0.2.1:8443\n[identity]\n"
		 "when-registrar-away = close\n",
		 "gateway-identity"},
		{"[gateway]\nregistrar-interfaces = a\n", NULL},
		{"[gateway]\nidentity = none\ndevice-interfaces = a\nregistrar-interfaces = "
		 "b\ndns-sd = no\n",
		 ""},
		{"[gateway]\nidentity = none\ndevice-interfaces = a\nregistrar-interfaces = "
		 "b\ndns-sd = no\n"
		 "grasp = no\n",
		 "gateway-no-discovery"},
		{"[gateway]\nidentity = none\ndevice-interfaces = a\nregistrars = "
		 "registrar.example:8443\n",
		 "gateway-registrar"},
		{"[gateway]\nidentity = none\ndevice-interfaces = a\nregistrars = 192.0.2.1\n",
		 "gateway-registrar"},
		{"[gateway]\nidentity = none\ndevice-interfaces = a\nregistrar-interfaces = "
		 "b\n[limits]\n"
		 "connections = 0\n",
		 NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		BERTH_CONF conf = {0};
		struct berth_gateway_conf settings = {0};
		struct berth_why why = {0};
		enum berth_err err = load(rows[i].text, &conf, &settings, &why);

		print_message("%s", rows[i].text);
		assert_int_equal(err == BERTH_OK, rows[i].rule && !*rows[i].rule);
		if (rows[i].rule && *rows[i].rule)
			assert_string_equal(why.rule, rows[i].rule);
	}
}

static void
reads_numeric_targets_only(void **state)
{
	static const struct {
		const char *text;
		const char *address; /* NULL: refused */
		uint16_t port;
	} rows[] = {
		{"192.0.2.1:8443", "192.0.2.1", 8443},
		{"[2001:db8::1]:1", "2001:db8::1", 1},
		{"[::1]:65535", "::1", 65535},
		{"192.0.2.1:0", NULL, 0},
		{"192.0.2.1:65536", NULL, 0},
		{"192.0.2.1:084430", NULL, 0},
		{"192.0.2.1:", NULL, 0},
		{"192.0.2.1:8443x", NULL, 0},
		{"192.0.2.1", NULL, 0},
		{":8443", NULL, 0},
		{"[]:8443", NULL, 0},
		{"[2001:db8::1]8443", NULL, 0},
		{"[2001:db8::1:8443", NULL, 0},
		{"2001:db8::1:8443", NULL, 0},
		{"registrar.example:8443", NULL, 0},
		{"192.0.2.256:8443", NULL, 0},
		{"", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct berth_relay_target target = {0};
		struct berth_why why = {0};
		enum berth_err err = berth_gateway_target_parse(rows[i].text, &target, &why);

		print_message("%s\n", rows[i].text);
		assert_int_equal(err, rows[i].address ? BERTH_OK : BERTH_E_USAGE);
		if (!rows[i].address)
			continue;
		assert_string_equal(target.address, rows[i].address);
		assert_int_equal(target.port, rows[i].port);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_needs_and_fills_in_the_rest),
		cmocka_unit_test(refuses_what_would_relay_to_nobody_or_anybody),
		cmocka_unit_test(reads_numeric_targets_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
