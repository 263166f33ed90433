/* SPDX-License-Identifier: BSD-2-Clause */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/networks.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static union address
address_of(const char *text)
{
	union address a = {.any = {.sa_family = AF_UNSPEC}};

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.any.sa_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &a.v6.sin6_addr), 1);
		a.any.sa_family = AF_INET6;
	}
	return a;
}

static void
tells_public_addresses_from_others(void **state)
{
	static const struct {
		const char *text;
		bool is_public;
	} rows[] = {
		{"8.8.8.8", true},
		{"9.255.255.255", true},
		{"11.0.0.0", true},
		{"172.15.255.255", true},
		{"172.32.0.0", true},
		{"2a00:1450::1", true},
		{"0.0.0.0", false},
		{"10.1.2.3", false},
		{"100.64.0.1", false},
		{"127.0.0.1", false},
		{"127.255.255.255", false},
		{"169.254.169.254", false},
		{"172.16.0.1", false},
		{"172.31.255.255", false},
		{"192.168.0.1", false},
		{"198.18.0.1", false},
		{"224.0.0.1", false},
		{"255.255.255.255", false},
		{"::", false},
		{"::1", false},
		{"fe80::1", false},
		{"fc00::1", false},
		{"fd12::1", false},
		{"ff02::1", false},
		{"::ffff:127.0.0.1", false},
		{"::ffff:10.0.0.1", false},
		{"::ffff:8.8.8.8", true},
		{"::127.0.0.1", false},
		{"64:ff9b::7f00:1", false},
		{"2002:7f00:1::", false},
		{"2001:0:1::1", false},
		{"2001:db8::1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		union address a = address_of(rows[i].text);
		if (berth_address_is_public(&a.any) != rows[i].is_public) {
			fail_msg("%s", rows[i].text);
		}
	}
}

static void
only_named_networks_are_let_through(void **state)
{
	struct berth_networks networks;
	struct berth_why why = {0};
	union address inside = address_of("10.1.255.255"), outside = address_of("10.2.0.0");
	union address one = address_of("192.168.7.7"), other = address_of("192.168.7.8");
	union address v6 = address_of("fd00::5"), mapped = address_of("::ffff:10.1.0.1");

	(void)state;
	assert_int_equal(berth_networks_parse(BERTH_LIT("10.1.0.0/16,192.168.7.7,fd00::/8"),
					      &networks, &why),
			 BERTH_OK);
	assert_true(berth_networks_have(&networks, &inside.any));
	assert_true(berth_networks_have(&networks, &mapped.any));
	assert_false(berth_networks_have(&networks, &outside.any));
	assert_true(berth_networks_have(&networks, &one.any));
	assert_false(berth_networks_have(&networks, &other.any));
	assert_true(berth_networks_have(&networks, &v6.any));
	assert_int_equal(berth_networks_parse(BERTH_BYTES_NONE, &networks, &why), BERTH_OK);
	assert_false(berth_networks_have(&networks, &inside.any));
	assert_int_equal(berth_networks_parse(BERTH_LIT("::/0"), &networks, &why), BERTH_OK);
	assert_true(berth_networks_have(&networks, &outside.any));
}

static void
refuses_what_is_no_network(void **state)
{
	static const char *const rows[] = {"10.0.0.0/33", "10.0.0.1/8",	 "fd00::/129",	"host",
					   ",10.0.0.0/8", "10.0.0.0/ 8", "10.0.0.0/-1", "/8"};
	struct berth_networks networks;
	struct berth_why why = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (berth_networks_parse(berth_text(rows[i]), &networks, &why) != BERTH_E_SYNTAX) {
			fail_msg("%s", rows[i]);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_public_addresses_from_others),
		cmocka_unit_test(only_named_networks_are_let_through),
		cmocka_unit_test(refuses_what_is_no_network),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
