/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/masa_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
	const char *text;
	const char *host;
	uint16_t port;
	const char *path;
} good[] = {
	{"masa.example.com", "masa.example.com", 443, "/.well-known/brski"},
	{"highway-test.example.com:9443", "highway-test.example.com", 9443, "/.well-known/brski"},
	{"MASA.Example.com", "masa.example.com", 443, "/.well-known/brski"},
	{"https://masa.example.com/brski/v1", "masa.example.com", 443, "/brski/v1"},
	{"https://masa.example.com:444/brski/", "masa.example.com", 444, "/brski"},
	{"http://masa.example.com/x", "masa.example.com", 443, "/x"},
	{"https://masa.example.com/", "masa.example.com", 443, "/.well-known/brski"},
	{"[2001:db8::1]:9443", "2001:db8::1", 9443, "/.well-known/brski"},
	{"https://[::1]/a", "::1", 443, "/a"},
	{"127.0.0.1:1", "127.0.0.1", 1, "/.well-known/brski"},
};

static const char *const bad[] = {
	"",
	":9443",
	"masa.example.com:",
	"masa.example.com:0",
	"masa.example.com:65536",
	"masa.example.com:99999999999999999999",
	"masa.example.com:9x",
	"[::1",
	"[::1]9443",
	"::1",
	"user@masa.example.com",
	"masa.example.com/a?b=c",
	"masa.example.com#f",
	"masa example.com",
	"masa.example.com/\nHost: x",
	"https:///a",
};

static void
reads_authority_and_uri_always_as_https(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct berth_masa_url url = {0};
		print_message("%s\n", good[i].text);
		assert_int_equal(berth_masa_url_parse(berth_text(good[i].text), &url, NULL),
				 BERTH_OK);
		assert_string_equal(url.host, good[i].host);
		assert_int_equal(url.port, good[i].port);
		assert_string_equal(url.path, good[i].path);
	}
}

static void
refuses_masa_url_that_hides_something(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct berth_masa_url url = {.port = 7};
		struct berth_why why = {0};
		print_message("%s\n", bad[i]);
		assert_int_not_equal(berth_masa_url_parse(berth_text(bad[i]), &url, &why),
				     BERTH_OK);
		assert_string_equal(why.rule, "rfc8995-2.3.2-masa-url");
		assert_int_equal(url.port, 7);
	}
}

static void
refuses_masa_url_longer_than_a_host_may_be(void **state)
{
	(void)state;
	char text[400];
	memset(text, 'a', sizeof(text));
	struct berth_masa_url url;
	assert_int_equal(
		berth_masa_url_parse(berth_bytes_of(text, BERTH_MASA_HOST_MAX - 1), &url, NULL),
		BERTH_OK);
	assert_int_not_equal(
		berth_masa_url_parse(berth_bytes_of(text, BERTH_MASA_HOST_MAX), &url, NULL),
		BERTH_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_authority_and_uri_always_as_https),
		cmocka_unit_test(refuses_masa_url_that_hides_something),
		cmocka_unit_test(refuses_masa_url_longer_than_a_host_may_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
