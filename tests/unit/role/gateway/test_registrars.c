/* SPDX-License-Identifier: BSD-2-Clause */
#include "role/gateway/registrars.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static struct berth_service
service(const char *name, const char *address, uint16_t port, const char *text)
{
	struct berth_service s = {.kind = BERTH_SERVICE_REGISTRAR, .port = port};

	snprintf(s.name, sizeof s.name, "%s", name);
	snprintf(s.address, sizeof s.address, "%s", address);
	snprintf(s.interface, sizeof s.interface, "eth0");
	if (text)
		snprintf(s.text[s.text_count++], sizeof s.text[0], "%s", text);
	return s;
}

static void
add(struct berth_gateway_registrars *registrars, struct berth_service s)
{
	assert_int_equal(berth_gateway_registrar_add(registrars, &s, NULL), BERTH_OK);
}

static void
offers_nothing_without_a_registrar(void **state)
{
	static struct berth_gateway_registrars registrars;
	struct berth_relay_target targets[BERTH_RELAY_TARGETS_MAX];
	const char *methods[BERTH_SERVICE_TEXT_MAX];

	(void)state;
	assert_int_equal(berth_gateway_registrar_targets(&registrars, targets), 0);
	assert_int_equal(berth_gateway_registrar_methods(&registrars, methods), 0);
}

static void
a_registrar_that_moved_is_the_same_registrar(void **state)
{
	static struct berth_gateway_registrars registrars;
	struct berth_relay_target targets[BERTH_RELAY_TARGETS_MAX];

	(void)state;
	add(&registrars, service("a", "192.0.2.1", 1000, NULL));
	add(&registrars, service("a", "192.0.2.1", 2000, NULL));
	assert_int_equal(berth_gateway_registrar_targets(&registrars, targets), 1);
	assert_int_equal(targets[0].port, 2000);
	assert_string_equal(targets[0].address, "192.0.2.1");
}

/* req: rfc8995-4.1-j4 */
static void
serves_those_that_speak_as_the_first_does(void **state)
{
	static struct berth_gateway_registrars registrars;
	struct berth_relay_target targets[BERTH_RELAY_TARGETS_MAX];
	const char *methods[BERTH_SERVICE_TEXT_MAX];

	(void)state;
	add(&registrars, service("a", "192.0.2.1", 1, "est-tls"));
	add(&registrars, service("b", "192.0.2.2", 2, "cmp"));
	add(&registrars, service("c", "192.0.2.3", 3, "est-tls"));
	assert_int_equal(berth_gateway_registrar_methods(&registrars, methods), 1);
	assert_string_equal(methods[0], "est-tls");
	assert_int_equal(berth_gateway_registrar_targets(&registrars, targets), 2);
	assert_int_equal(targets[1].port, 3);
	/* When the first goes, the next one decides. */
	struct berth_service gone = service("a", "192.0.2.1", 1, NULL);
	berth_gateway_registrar_remove(&registrars, &gone);
	berth_gateway_registrar_remove(&registrars, &gone);
	assert_int_equal(berth_gateway_registrar_methods(&registrars, methods), 1);
	assert_string_equal(methods[0], "cmp");
	assert_int_equal(berth_gateway_registrar_targets(&registrars, targets), 1);
	assert_int_equal(targets[0].port, 2);
}

static void
a_link_full_of_liars_fills_no_memory(void **state)
{
	static struct berth_gateway_registrars registrars;
	struct berth_relay_target targets[BERTH_RELAY_TARGETS_MAX];
	struct berth_why why = {0};
	char name[16];

	(void)state;
	for (int i = 0; i < BERTH_GATEWAY_REGISTRARS_MAX; i++) {
		snprintf(name, sizeof name, "liar %d", i);
		add(&registrars, service(name, "192.0.2.1", (uint16_t)(100 + i), NULL));
	}
	struct berth_service one_more = service("one more", "192.0.2.1", 1, NULL);
	assert_int_equal(berth_gateway_registrar_add(&registrars, &one_more, &why), BERTH_E_LIMIT);
	assert_string_equal(why.rule, "gateway-registrars");
	/* A known one may still change. */
	add(&registrars, service("liar 3", "192.0.2.1", 7, NULL));
	assert_int_equal(berth_gateway_registrar_targets(&registrars, targets),
			 BERTH_RELAY_TARGETS_MAX);
	assert_int_equal(targets[3].port, 7);
}

/* DNS-SD and GRASP tell of one registrar; one of them falls silent. */
static void
counts_a_place_that_is_told_twice_once(void **state)
{
	static struct berth_gateway_registrars registrars;
	struct berth_relay_target targets[BERTH_RELAY_TARGETS_MAX];

	(void)state;
	add(&registrars, service("a", "fe80::1%eth0", 8443, NULL));
	add(&registrars, service("GRASP 8443", "fe80::1%eth0", 8443, NULL));
	assert_int_equal(berth_gateway_registrar_targets(&registrars, targets), 1);
	struct berth_service gone = service("a", "fe80::1%eth0", 8443, NULL);
	berth_gateway_registrar_remove(&registrars, &gone);
	assert_int_equal(berth_gateway_registrar_targets(&registrars, targets), 1);
	add(&registrars, service("GRASP 8444", "fe80::1%eth0", 8444, NULL));
	assert_int_equal(berth_gateway_registrar_targets(&registrars, targets), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offers_nothing_without_a_registrar),
		cmocka_unit_test(a_registrar_that_moved_is_the_same_registrar),
		cmocka_unit_test(serves_those_that_speak_as_the_first_does),
		cmocka_unit_test(a_link_full_of_liars_fills_no_memory),
		cmocka_unit_test(counts_a_place_that_is_told_twice_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
