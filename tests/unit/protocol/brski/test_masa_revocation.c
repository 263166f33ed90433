/* SPDX-License-Identifier: BSD-2-Clause */
/* A registrar whose certificate names OCSP and a revocation list: what the MASA makes of the answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pki/crl.h"
#include "pki/ocsp.h"
#include "support/masa_world.h"

#define RULE "rfc8995-5.5.4-revocation"

static struct masa_world world;
static struct party named; /* the registrar, with sources in its certificate */

static struct berth_cert *
certificate(const char *crl_url, const char *ocsp_url)
{
	struct berth_cert_template wanted = authority_template(
		&world.maker, BERTH_PROFILE_REGISTRAR, "Registrar", world.registrar.key);

	wanted.crl_url = berth_text(crl_url);
	wanted.ocsp_url = berth_text(ocsp_url);
	return authority_issue_by(&world.maker, &wanted, world.domain.cert, world.domain.key);
}

static void
name(const char *crl_url, const char *ocsp_url)
{
	berth_cert_free(named.cert);
	named = (struct party){world.registrar.key, certificate(crl_url, ocsp_url)};
	world.rvr_signer = named;
}

static int
start(void **state)
{
	(void)state;
	masa_world_start(&world);
	name("http://owner.example/1.crl", "http://owner.example/ocsp");
	return 0;
}

static int
end(void **state)
{
	(void)state;
	berth_cert_free(named.cert);
	named.cert = NULL;
	berth_buf_free(&world.ocsp_answer);
	berth_buf_free(&world.crl_answer);
	masa_world_end(&world);
	return 0;
}

static void
ocsp_says(enum berth_ocsp_status status, const struct party *by)
{
	const struct berth_ocsp_single one = {.serial = berth_cert_serial(named.cert),
					      .status = status,
					      .revoked_at = {NOW.s - 60}};
	const struct berth_ocsp_fields fields = {.singles = &one,
						 .single_count = 1,
						 .this_update = {NOW.s - 60},
						 .next_update = {NOW.s + 600},
						 .produced_at = NOW};

	berth_buf_clear(&world.ocsp_answer);
	assert_int_equal(berth_ocsp_respond(world.maker.pki, &fields, by->cert, by->cert, by->key,
					    &world.ocsp_answer, NULL),
			 BERTH_OK);
}

static void
crl_says(bool is_revoked, int64_t next_update)
{
	const struct berth_crl_entry entry = {.serial = berth_cert_serial(named.cert),
					      .revoked_at = NOW};
	const struct berth_crl_fields fields = {
		.number = 1,
		.this_update = {NOW.s - 600},
		.next_update = {next_update},
		.entries = &entry,
		.entry_count = is_revoked ? 1 : 0,
		.distribution_point = BERTH_LIT("http://owner.example/1.crl"),
	};

	berth_buf_clear(&world.crl_answer);
	assert_int_equal(berth_crl_issue(world.maker.pki, &fields, world.domain.cert,
					 world.domain.key, &world.crl_answer, NULL),
			 BERTH_OK);
}

static void
expect(int status, unsigned fetches)
{
	world.fetches = 0;
	berth_signed_voucher_free(&world.voucher); /* of the last one */
	world.voucher = (struct berth_signed_voucher){0};
	berth_arena_end(&world.arena);
	masa_world_ask(&world);
	assert_int_equal(world.masa.response.status, status);
	assert_int_equal(world.fetches, fetches);
	if (status != 200)
		assert_string_equal(world.masa.why.rule, RULE);
}

/* req: rfc8995-5.5.4-2 */
static void
a_good_answer_of_ocsp_is_enough_and_may_be_kept(void **state)
{
	(void)state;
	ocsp_says(BERTH_OCSP_GOOD, &world.domain);
	expect(200, 1);
	assert_int_equal(world.masa.good_until.s, NOW.s + 600);
}

static void
refuses_a_registrar_that_was_revoked(void **state)
{
	(void)state;
	ocsp_says(BERTH_OCSP_REVOKED, &world.domain);
	crl_says(false, NOW.s + 600);
	expect(403, 1); /* a list is not asked for a second opinion */
	assert_int_equal(world.masa.why.err, BERTH_E_DENIED);
	assert_int_equal(world.masa.good_until.s, 0);
	berth_buf_clear(&world.ocsp_answer);
	crl_says(true, NOW.s + 600);
	expect(403, 2);
	assert_int_equal(world.masa.why.err, BERTH_E_DENIED);
}

static void
reads_the_list_where_ocsp_is_of_no_use(void **state)
{
	(void)state;
	crl_says(false, NOW.s + 600);
	expect(200, 2);
	ocsp_says(BERTH_OCSP_UNKNOWN, &world.domain);
	expect(200, 2);
	ocsp_says(BERTH_OCSP_GOOD, &world.rogue_domain);
	expect(200, 2);
	name("http://owner.example/1.crl", "");
	crl_says(false, NOW.s + 600);
	expect(200, 1);
}

static void
refuses_when_no_answer_holds(void **state)
{
	(void)state;
	expect(403, 2);
	assert_int_equal(world.masa.why.err, BERTH_E_UNREACHABLE);
	ocsp_says(BERTH_OCSP_GOOD, &world.rogue_domain);
	expect(403, 2);
	ocsp_says(BERTH_OCSP_UNKNOWN, &world.domain);
	crl_says(false, NOW.s - 1);
	expect(403, 2);
}

static void
asks_nobody_for_a_unit_that_is_not_known(void **state)
{
	(void)state;
	world.facts.is_known = false;
	world.fetches = 0;
	masa_world_ask(&world);
	assert_int_equal(world.masa.response.status, 404);
	assert_int_equal(world.fetches, 0);
}

static void
asks_nobody_when_policy_ignores_it(void **state)
{
	(void)state;
	world.policy.revocation = BERTH_MASA_REVOCATION_IGNORED;
	expect(200, 0);
}

static void
the_audit_log_is_kept_from_a_revoked_registrar_too(void **state)
{
	(void)state;
	world.operation = BERTH_MASA_REQUEST_AUDIT_LOG;
	ocsp_says(BERTH_OCSP_REVOKED, &world.domain);
	expect(403, 1);
}

static void
reads_addresses_and_refuses_what_is_none(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port;
		const char *path, *query;
	} good[] = {
		{"http://a.example", "a.example", 80, "/", ""},
		{"http://A.example:8080/x/y?z=1", "a.example", 8080, "/x/y", "z=1"},
		{"http://[2001:DB8::1]:81/", "2001:db8::1", 81, "/", ""},
		{"http://192.0.2.1?q", "192.0.2.1", 80, "/", "q"},
	};
	static const char *const bad[] = {
		"https://a",	   "http://",		"http:///x",   "http://a:0/",
		"http://a:65536/", "http://u@a/",	"http://a b/", "http://a/#f",
		"http://::1/",	   "http://[a/",	"ftp://a/",    "/etc/passwd",
		"http://a:80:1/",  "http://a\r\nX: y/",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct berth_revocation_url url;
		assert_int_equal(berth_revocation_url_parse(berth_text(good[i].text), &url, NULL),
				 BERTH_OK);
		assert_string_equal(url.host, good[i].host);
		assert_int_equal(url.port, good[i].port);
		assert_string_equal(url.path, good[i].path);
		assert_string_equal(url.query, good[i].query);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct berth_revocation_url url;
		if (berth_revocation_url_parse(berth_text(bad[i]), &url, NULL) != BERTH_E_SYNTAX)
			fail_msg("%s", bad[i]);
	}
}

#define test_in_world(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_world(a_good_answer_of_ocsp_is_enough_and_may_be_kept),
		test_in_world(refuses_a_registrar_that_was_revoked),
		test_in_world(reads_the_list_where_ocsp_is_of_no_use),
		test_in_world(refuses_when_no_answer_holds),
		test_in_world(asks_nobody_for_a_unit_that_is_not_known),
		test_in_world(asks_nobody_when_policy_ignores_it),
		test_in_world(the_audit_log_is_kept_from_a_revoked_registrar_too),
		cmocka_unit_test(reads_addresses_and_refuses_what_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
