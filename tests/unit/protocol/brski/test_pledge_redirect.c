/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "protocol/brski/pledge_redirect.h"

static void
follows_only_complete_https_locations(void **state)
{
	static const struct {
		const char *name;
		const char *location;
		const char *host; /* NULL: refused */
		uint16_t port;
		const char *path;
	} rows[] = {
		{"a name", "https://reg.example/a/b", "reg.example", 443, "/a/b"},
		{"a port", "https://reg.example:8443/a", "reg.example", 8443, "/a"},
		{"an IPv6 address", "https://[2001:db8::1]:444/a", "2001:db8::1", 444, "/a"},
		{"no path", "https://reg.example", "reg.example", 443,
		 "/.well-known/brski/requestvoucher"},
		{"only a slash", "https://reg.example/", "reg.example", 443,
		 "/.well-known/brski/requestvoucher"},
		{"no TLS", "http://reg.example/a", NULL, 0, NULL},
		{"a relative reference", "/a/b", NULL, 0, NULL},
		{"no host", "https:///a", NULL, 0, NULL},
		{"user information", "https://u@reg.example/a", NULL, 0, NULL},
		{"a query", "https://reg.example/a?b", NULL, 0, NULL},
		{"a fragment", "https://reg.example/a#b", NULL, 0, NULL},
		{"port zero", "https://reg.example:0/a", NULL, 0, NULL},
		{"port too large", "https://reg.example:65536/a", NULL, 0, NULL},
		{"an empty port", "https://reg.example:/a", NULL, 0, NULL},
		{"an open bracket", "https://[2001:db8::1/a", NULL, 0, NULL},
		{"words behind a bracket", "https://[2001:db8::1]x/a", NULL, 0, NULL},
		{"a line end in the path", "https://reg.example/a\r\nX: y", NULL, 0, NULL},
		{"nothing", "", NULL, 0, NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_ARENA arena;
		struct pledge_redirect got = {0};
		struct berth_why why = {0};
		berth_arena_start(&arena, 4096);
		enum berth_err err =
			pledge_redirect_parse(berth_text(rows[i].location), &arena, &got, &why);
		if (!rows[i].host) {
			if (!err) {
				fail_msg("%s is followed", rows[i].name);
			}
			continue;
		}
		if (err) {
			fail_msg("%s: %s", rows[i].name, why.sentence);
		}
		assert_string_equal(got.host, rows[i].host);
		assert_int_equal(got.port, rows[i].port);
		assert_string_equal(got.path, rows[i].path);
	}
}

static void
refuses_a_host_longer_than_a_dns_name(void **state)
{
	(void)state;
	BERTH_ARENA arena;
	BERTH_BUF location = {0};
	struct pledge_redirect got = {0};
	berth_arena_start(&arena, 4096);
	assert_int_equal(berth_buf_append_text(&location, "https://"), BERTH_OK);
	for (size_t i = 0; i < BERTH_PLEDGE_HOST_BYTES; i++) {
		assert_int_equal(berth_buf_append_u8(&location, 'a'), BERTH_OK);
	}
	assert_int_not_equal(pledge_redirect_parse(berth_buf_view(&location), &arena, &got, NULL),
			     BERTH_OK);
	location.n--;
	assert_int_equal(pledge_redirect_parse(berth_buf_view(&location), &arena, &got, NULL),
			 BERTH_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_only_complete_https_locations),
		cmocka_unit_test(refuses_a_host_longer_than_a_dns_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
