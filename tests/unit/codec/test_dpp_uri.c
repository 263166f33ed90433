/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/dpp_uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define KEY "MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgACCcWFqRtN+f0loEUgGIXDnMXPrjl92u2pV97Ff6DjUD8="

static void
parse(const char *text, struct berth_dpp_uri *uri)
{
	struct berth_why why = {0};

	if (berth_dpp_uri_parse(berth_text(text), uri, &why))
		fail_msg("%s: %s %s", text, why.rule, why.sentence);
}

static void
assert_refused(const char *text, const char *rule)
{
	struct berth_dpp_uri uri;
	struct berth_why why = {0};

	assert_int_not_equal(berth_dpp_uri_parse(berth_text(text), &uri, &why), BERTH_OK);
	assert_string_equal(why.rule, rule);
}

/* What a strict reader refuses, in order, one rule after the other. */
static void
assert_lint(const char *text, const char *const *rules)
{
	struct berth_why why = {0};
	size_t i = 0;

	for (; rules[i] != NULL; i++) {
		assert_int_equal(berth_dpp_uri_lint(berth_text(text), i, &why), BERTH_E_MISMATCH);
		assert_string_equal(why.rule, rules[i]);
	}
	assert_int_equal(berth_dpp_uri_lint(berth_text(text), i, &why), BERTH_OK);
}

static void
reads_every_field(void **state)
{
	struct berth_dpp_uri uri;

	(void)state;
	parse("DPP:C:81/1,6,115/36;M:5254005828e5;I:SN=4711;V:2;B:3;H:192.0.2.1:8909;K:" KEY ";;",
	      &uri);
	assert_int_equal(uri.channel_count, 3);
	assert_int_equal(uri.channels[1].operating_class, 81);
	assert_int_equal(uri.channels[1].channel, 6);
	assert_int_equal(uri.channels[2].operating_class, 115);
	assert_true(uri.has_mac);
	assert_int_equal(uri.mac[5], 0xe5);
	assert_string_equal(uri.information, "SN=4711");
	assert_int_equal(uri.version, 2);
	assert_int_equal(uri.curves, 3);
	assert_string_equal(uri.host, "192.0.2.1");
	assert_int_equal(uri.port, 8909);
	assert_int_equal(uri.spki_n, 59);
}

static void
reads_hosts_and_curves_as_others_write_them(void **state)
{
	struct berth_dpp_uri uri;

	(void)state;
	parse("DPP:B:f3;H:[2001:db8::1]:8909;K:" KEY ";;", &uri);
	assert_int_equal(uri.curves, 0x3f);
	assert_string_equal(uri.host, "2001:db8::1");
	assert_int_equal(uri.port, 8909);
	parse("DPP:H:controller.example;K:" KEY ";;", &uri);
	assert_string_equal(uri.host, "controller.example");
	assert_int_equal(uri.port, 0);
	parse("DPP:H:192.0.2.1:0;K:" KEY ";;", &uri); /* unreadable: as if it were not there */
	assert_string_equal(uri.host, "");
}

static void
reads_what_is_not_quite_right(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const end[] = {"dpp-uri-lint-end", NULL};
	static const char *const trailing[] = {"dpp-uri-lint-trailing", NULL};
	static const char *const unknown[] = {"dpp-uri-lint-unknown", NULL};
	static const char *const doubled[] = {"dpp-uri-lint-doubled", NULL};
	static const char *const all[] = {"dpp-uri-lint-curves",  "dpp-uri-lint-host",
					  "dpp-uri-lint-unknown", "dpp-uri-lint-doubled",
					  "dpp-uri-lint-end",	  NULL};
	struct berth_dpp_uri uri;

	(void)state;
	parse("DPP:K:" KEY ";;", &uri);
	assert_lint("DPP:K:" KEY ";;", none);
	parse("DPP:K:" KEY ";", &uri);
	assert_lint("DPP:K:" KEY ";", end);
	parse("DPP:K:" KEY ";;\n", &uri);
	assert_lint("DPP:K:" KEY ";;x", trailing);
	parse("DPP:S:1;K:" KEY ";;", &uri);
	assert_lint("DPP:S:1;K:" KEY ";;", unknown);
	parse("DPP:V:2;V:3;K:" KEY ";;", &uri);
	assert_int_equal(uri.version, 2); /* the first counts */
	assert_lint("DPP:V:2;V:3;K:" KEY ";;", doubled);
	assert_lint("DPP:B:1;H:192.0.2.1;S:1;K:" KEY ";K:" KEY ";", all);
}

static void
refuses_what_nobody_reads(void **state)
{
	(void)state;
	assert_refused("", "dpp-uri-scheme");
	assert_refused("dpp:K:" KEY ";;", "dpp-uri-scheme");
	assert_refused("DPP:", "dpp-uri-key");
	assert_refused("DPP:V:2;;", "dpp-uri-end");
	assert_refused("DPP:K:" KEY, "dpp-uri-end");
	assert_refused("DPP:K:;;", "dpp-uri-key");
	assert_refused("DPP:K:MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgA!;;", "dpp-uri-key");
	assert_refused("DPP:M:5254005828e;K:" KEY ";;", "dpp-uri-mac");
	assert_refused("DPP:M:52:54:00:58:28:e5;K:" KEY ";;", "dpp-uri-mac");
	assert_refused("DPP:C:81;K:" KEY ";;", "dpp-uri-channels");
	assert_refused("DPP:C:81/;K:" KEY ";;", "dpp-uri-channels");
	assert_refused("DPP:C:256/1;K:" KEY ";;", "dpp-uri-channels");
	assert_refused("DPP:C:x/1;K:" KEY ";;", "dpp-uri-channels");
	assert_refused("DPP:I:\x7f;K:" KEY ";;", "dpp-uri-information");
	assert_refused("DPP:V:0;K:" KEY ";;", "dpp-uri-version");
	assert_refused("DPP:V:x;K:" KEY ";;", "dpp-uri-version");
	assert_refused("foo", "dpp-uri-scheme");
	assert_refused("DPP:;;", "dpp-uri-end");
	assert_refused("DPP:C:1/2;M:;K;;", "dpp-uri-mac");
	assert_refused("DPP:I:foo\tbar;K:" KEY ";;", "dpp-uri-information");
	assert_refused("DPP:C:1;K:" KEY ";;", "dpp-uri-channels");
	assert_refused("DPP:C:81/1a;K:" KEY ";;", "dpp-uri-channels");
	assert_refused("DPP:C:1/2000,81/-1;K:" KEY ";;", "dpp-uri-channels");
	assert_refused("DPP:C:-1/1;K:" KEY ";;", "dpp-uri-channels");
}

/* Shapes that others print: long channel lists, hosts of both families, an empty text. Each is written again as it was. */
static void
reads_and_writes_what_others_print(void **state)
{
	static const struct {
		const char *text;
		size_t channels;
		const char *host;
		uint16_t port;
	} codes[] = {
		{"DPP:C:81/1,115/36;K:" KEY ";;", 2, "", 0},
		{"DPP:C:81/1,2,3,4,5,6,7,8,9,10,11,12,13,82/14,83/1,2,3,4,5,6,7,8,9,115/36;K:" KEY
		 ";;",
		 24, "", 0},
		{"DPP:I:SN=4774LH2b4044;M:010203040506;K:" KEY ";;", 0, "", 0},
		{"DPP:I:;M:010203040506;K:" KEY ";;", 0, "", 0},
		{"DPP:H:192.168.1.1;M:010203040506;K:" KEY ";;", 0, "192.168.1.1", 0},
		{"DPP:H:192.168.1.1:12345;M:010203040506;K:" KEY ";;", 0, "192.168.1.1", 12345},
		{"DPP:H:fe80::1234:5678:9abc:def0;K:" KEY ";;", 0, "fe80::1234:5678:9abc:def0", 0},
		{"DPP:H:[fe80::1234:5678:9abc:def0]:12345;K:" KEY ";;", 0,
		 "fe80::1234:5678:9abc:def0", 12345},
		/* a class before each channel is the same list */
		{"DPP:C:81/1,81/2,81/3,115/36;K:" KEY ";;", 4, "", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct berth_dpp_uri uri, again;
		BERTH_BUF text = {0};
		parse(codes[i].text, &uri);
		assert_int_equal(uri.channel_count, codes[i].channels);
		assert_string_equal(uri.host, codes[i].host);
		assert_int_equal(uri.port, codes[i].port);
		/* the order is ours, the contents are the same */
		assert_int_equal(berth_dpp_uri_write(&uri, &text, NULL), BERTH_OK);
		assert_int_equal(berth_dpp_uri_parse(berth_buf_view(&text), &again, NULL),
				 BERTH_OK);
		assert_memory_equal(&again, &uri, sizeof(uri));
	}
}

/* The bitmap of curves, low nibble first, as all who have it write it. */
static void
tells_curves_low_nibble_first(void **state)
{
	static const struct {
		const char *digits;
		unsigned curves;
	} maps[] = {
		{"1", 0x01},  {"2", 0x02}, {"4", 0x04},	 {"8", 0x08},  {"01", 0x10},
		{"02", 0x20}, {"7", 0x07}, {"12", 0x21}, {"31", 0x13}, {"f3", 0x3f},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++) {
		struct berth_dpp_uri uri;
		char text[256];
		BERTH_BUF again = {0};
		(void)snprintf(text, sizeof(text), "DPP:V:3;B:%s;K:" KEY ";;", maps[i].digits);
		parse(text, &uri);
		assert_int_equal(uri.curves, maps[i].curves);
		assert_int_equal(berth_dpp_uri_write(&uri, &again, NULL), BERTH_OK);
		assert_true(berth_bytes_equal_text(berth_buf_view(&again), text));
	}
}

/* Nothing said of a version is version 1, which is how those write it who know no other. */
static void
a_version_that_is_not_told_is_the_first(void **state)
{
	struct berth_dpp_uri uri;
	BERTH_BUF text = {0};

	(void)state;
	parse("DPP:V:3;K:" KEY ";;", &uri);
	assert_int_equal(uri.version, 3);
	parse("DPP:K:" KEY ";;", &uri);
	assert_int_equal(uri.version, 0); /* not said */
	assert_int_equal(berth_dpp_uri_write(&uri, &text, NULL), BERTH_OK);
	assert_true(berth_bytes_equal_text(berth_buf_view(&text), "DPP:K:" KEY ";;"));
}

static void
refuses_what_is_too_long(void **state)
{
	char text[BERTH_DPP_URI_MAX_BYTES + 2];

	(void)state;
	memset(text, 'A', sizeof(text));
	memcpy(text, "DPP:", 4);
	text[sizeof(text) - 1] = '\0';
	assert_refused(text, "dpp-uri-size");
}

static void
writes_what_it_reads(void **state)
{
	static const char *const texts[] = {
		"DPP:K:" KEY ";;",
		"DPP:V:2;K:" KEY ";;",
		"DPP:C:81/1,6,115/36;M:5254005828e5;I:SN=4711;V:2;K:" KEY ";;",
		"DPP:V:3;B:f3;H:[2001:db8::1]:8909;K:" KEY ";;",
		"DPP:V:3;B:1;H:192.0.2.1;K:" KEY ";;",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct berth_dpp_uri uri;
		BERTH_BUF again = {0};
		parse(texts[i], &uri);
		assert_int_equal(berth_dpp_uri_write(&uri, &again, NULL), BERTH_OK);
		assert_true(berth_bytes_equal_text(berth_buf_view(&again), texts[i]));
	}
}

static void
does_not_write_what_others_misread(void **state)
{
	struct berth_dpp_uri uri, changed;
	struct berth_why why = {0};
	BERTH_BUF text = {0};

	(void)state;
	parse("DPP:I:a;K:" KEY ";;", &uri);
	changed = uri;
	changed.information[0] = ';';
	assert_int_equal(berth_dpp_uri_write(&changed, &text, &why), BERTH_E_USAGE);
	assert_string_equal(why.rule, "dpp-uri-write");
	changed = uri;
	changed.spki_n = 0;
	assert_int_equal(berth_dpp_uri_write(&changed, &text, &why), BERTH_E_USAGE);
	changed = uri;
	changed.channel_count = 1;
	assert_int_equal(berth_dpp_uri_write(&changed, &text, &why), BERTH_E_USAGE);
	assert_int_equal(berth_dpp_uri_write(&uri, &text, &why), BERTH_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(reads_hosts_and_curves_as_others_write_them),
		cmocka_unit_test(reads_what_is_not_quite_right),
		cmocka_unit_test(refuses_what_nobody_reads),
		cmocka_unit_test(reads_and_writes_what_others_print),
		cmocka_unit_test(tells_curves_low_nibble_first),
		cmocka_unit_test(a_version_that_is_not_told_is_the_first),
		cmocka_unit_test(refuses_what_is_too_long),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(does_not_write_what_others_misread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
