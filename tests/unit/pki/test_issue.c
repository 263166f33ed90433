/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pki/der.h"
#include "unit/pki/authority.h"

static struct authority authority;

static int
setup(void **state)
{
	authority_start(&authority);
	*state = &authority;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	authority_end(&authority);
	return 0;
}

static struct berth_cert_template
device_template(const struct berth_key *key)
{
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_IDEVID, "", key);

	wanted.not_after = BERTH_WALL_NO_EXPIRY;
	wanted.serial_number = BERTH_LIT("00-D0-E5-F2-00-03");
	wanted.organization = BERTH_LIT("Acme");
	wanted.masa_url = BERTH_LIT("masa.acme.example:9443");
	wanted.mud_url = BERTH_LIT("https://acme.example/cam.json");
	wanted.crl_url = BERTH_LIT("http://acme.example/1.crl");
	wanted.ocsp_url = BERTH_LIT("http://acme.example/ocsp");
	wanted.issuer_url = BERTH_LIT("http://acme.example/ca.cer");
	wanted.hw_type = "1.3.6.1.4.1.32473.7";
	wanted.hw_serial = BERTH_LIT("\x00\x01\x02\xff");
	return wanted;
}

static void
issues_a_birth_certificate_with_all_its_facts(void **state)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	struct berth_cert_template wanted = device_template(key);
	BERTH_CERT *cert = authority_issue(&authority, &wanted);
	bool has_eku = true;

	(void)state;
	assert_int_equal(berth_cert_not_after(cert).s, 253402300799);
	assert_true(berth_bytes_equal(berth_cert_masa_url(cert), wanted.masa_url));
	assert_true(berth_bytes_equal(berth_cert_mud_url(cert), wanted.mud_url));
	assert_true(berth_bytes_equal(berth_cert_hw_serial(cert), wanted.hw_serial));
	assert_string_equal(berth_cert_hw_type(cert), wanted.hw_type);
	assert_int_equal(berth_cert_eku(cert, &has_eku), 0);
	assert_false(has_eku);
	assert_true(berth_bytes_equal(berth_cert_aki_key_id(cert), berth_cert_ski(authority.ca)));
	assert_int_equal(berth_cert_aki_value(cert).p[0], 0x30);
	assert_string_equal(berth_cert_issuer_text(cert), "CN=Test Issuing");
	assert_true(berth_bytes_equal(berth_cert_issuer_der(cert),
				      berth_cert_subject_der(authority.ca)));
}

/* Every field of the template, changed alone, must make the lint refuse the old certificate. */
static void
lint_notices_every_field(void **state)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	BERTH_KEY *other = authority_key(&authority, "P-256");
	struct berth_bytes name = BERTH_LIT("a.example");
	struct berth_cert_template wanted = device_template(key);
	BERTH_CERT *cert = authority_issue(&authority, &wanted);
	struct berth_cert_template changed[24];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 24; i++)
		changed[i] = wanted;
	changed[n++].serial[15] ^= 1;
	changed[n++].not_before.s += 1;
	changed[n++].not_after.s -= 1;
	changed[n++].common_name = BERTH_LIT("x");
	changed[n++].serial_number = BERTH_LIT("00-D0-E5-F2-00-04");
	changed[n++].organization = BERTH_BYTES_NONE;
	changed[n++].unit = BERTH_LIT("x");
	changed[n++].masa_url = BERTH_BYTES_NONE;
	changed[n++].mud_url = BERTH_LIT("https://acme.example/cam.jsom");
	changed[n++].mud_url = BERTH_BYTES_NONE;
	changed[n++].hw_type = "1.3.6.1.4.1.32473.8";
	changed[n++].hw_serial = BERTH_LIT("\x00\x01\x02\xfe");
	changed[n++].key = other;
	changed[n++].profile = BERTH_PROFILE_LDEVID;
	changed[n++].profile = BERTH_PROFILE_ISSUING_CA;
	changed[n++].profile = BERTH_PROFILE_CROSS_CA;
	changed[n].dns_names = &name;
	changed[n++].dns_name_count = 1;
	changed[n++].crl_url = BERTH_LIT("http://acme.example/2.crl");
	changed[n++].ocsp_url = BERTH_BYTES_NONE;
	changed[n++].issuer_url = BERTH_LIT("http://acme.example/ocsp");
	changed[n++].profile = BERTH_PROFILE_OCSP_SIGNER;
	assert_int_equal(berth_issue_lint(authority.pki, &wanted, authority.ca, authority.ca_key,
					  berth_cert_der(cert), NULL),
			 BERTH_OK);
	for (size_t i = 0; i < n; i++) {
		struct berth_why why = {0};
		if (berth_issue_lint(authority.pki, &changed[i], authority.ca, authority.ca_key,
				     berth_cert_der(cert), &why) != BERTH_E_MISMATCH)
			fail_msg("change %zu went unnoticed", i);
		assert_string_equal(why.rule, "issue-lint");
	}
	assert_int_equal(berth_issue_lint(authority.pki, &wanted, authority.ca, authority.root_key,
					  berth_cert_der(cert), NULL),
			 BERTH_E_MISMATCH);
}

/* The signature apart, which its holder checks; that of a birth certificate too. */
static void
lint_notices_every_byte(void **state)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	struct berth_bytes names[] = {BERTH_LIT("a.example"), BERTH_LIT("b.example")};
	struct berth_cert_template device = device_template(key);
	struct berth_cert_template wanted[] = {device, device};

	(void)state;
	wanted[1].profile = BERTH_PROFILE_LDEVID_SERVER;
	wanted[1].hw_type = NULL;
	wanted[1].common_name = BERTH_LIT("camera");
	wanted[1].unit = BERTH_LIT("gateway");
	wanted[1].dns_names = names;
	wanted[1].dns_name_count = 2;
	wanted[1].not_after.s = wanted[1].not_before.s + 86400;
	for (size_t i = 0; i < 2; i++) {
		BERTH_CERT *cert = authority_issue(&authority, &wanted[i]);
		BERTH_BUF der = {0};
		assert_int_equal(berth_buf_append_bytes(&der, berth_cert_der(cert)), BERTH_OK);
		struct berth_bytes whole = berth_buf_view(&der);
		struct berth_bytes body, tbs, algorithm, bits;
		assert_true(berth_der_take(&whole, BERTH_DER_SEQUENCE, &body) &&
			    berth_der_take(&body, BERTH_DER_SEQUENCE, &tbs) &&
			    berth_der_take(&body, BERTH_DER_SEQUENCE, &algorithm) &&
			    berth_der_take(&body, BERTH_DER_BIT_STRING, &bits));
		size_t end = i == 0 ? der.n : der.n - (bits.n - 1);
		for (size_t at = 0; at < end; at++) {
			struct berth_why why = {0};
			der.p[at] ^= 1;
			if (berth_issue_lint(authority.pki, &wanted[i], authority.ca,
					     authority.ca_key, berth_buf_view(&der),
					     &why) == BERTH_OK)
				fail_msg("certificate %zu: byte %zu went unnoticed", i, at);
			der.p[at] ^= 1;
		}
		assert_int_equal(berth_issue_lint(authority.pki, &wanted[i], authority.ca,
						  authority.ca_key, berth_buf_view(&der), NULL),
				 BERTH_OK);
	}
}

static void
every_profile_passes_its_own_lint(void **state)
{
	BERTH_KEY *key = authority_key(&authority, "P-384");

	(void)state;
	for (unsigned profile = BERTH_PROFILE_ISSUING_CA; profile <= BERTH_PROFILE_ROLE;
	     profile++) {
		struct berth_cert_template wanted =
			authority_template(&authority, (enum berth_cert_profile)profile, "x", key);
		BERTH_CERT *cert =
			authority_issue_by(&authority, &wanted, authority.root, authority.root_key);
		assert_int_equal(berth_cert_is_ca(cert), profile == BERTH_PROFILE_ISSUING_CA);
		assert_int_equal(berth_cert_ski(cert).n, BERTH_KEY_ID_BYTES);
	}
}

static void
refuses_templates_that_make_no_certificate(void **state)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	struct berth_cert_template changed[9];
	const char *rules[9];
	size_t n = 0;
	char longer[65];
	struct berth_bytes bad_name = BERTH_LIT("a b");

	(void)state;
	memset(longer, 'x', sizeof(longer));
	for (size_t i = 0; i < 9; i++)
		changed[i] = device_template(key);
	changed[n].serial[0] |= 0x80;
	rules[n++] = "issue-serial";
	memset(changed[n].serial, 0, sizeof(changed[n].serial));
	rules[n++] = "issue-serial";
	changed[n].not_after.s = changed[n].not_before.s - 1;
	rules[n++] = "issue-validity";
	changed[n].serial_number = BERTH_LIT("a_b");
	rules[n++] = "x509-serial-number-printable";
	changed[n].common_name = berth_bytes_of(longer, sizeof(longer));
	rules[n++] = "x509-subject-text";
	changed[n].dns_names = &bad_name;
	changed[n].dns_name_count = 1;
	rules[n++] = "x509-dns-name";
	changed[n].masa_url = BERTH_LIT("m\xc3\xbcnchen");
	rules[n++] = "issue-url";
	changed[n].crl_url = BERTH_LIT("https://acme.example/1.crl");
	rules[n++] = "issue-source-url";
	for (size_t i = 0; i < n; i++) {
		BERTH_BUF der = {0};
		struct berth_why why = {0};
		assert_int_equal(berth_issue(authority.pki, &changed[i], authority.ca,
					     authority.ca_key, &der, &why),
				 BERTH_E_USAGE);
		assert_string_equal(why.rule, rules[i]);
		assert_int_equal(der.n, 0);
	}
}

static void
refuses_an_issuer_whose_key_it_has_not(void **state)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	struct berth_cert_template wanted = device_template(key);
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(
		berth_issue(authority.pki, &wanted, authority.ca, authority.root_key, &der, &why),
		BERTH_E_MISMATCH);
	assert_string_equal(why.rule, "issue-issuer-key");
}

/* req: rfc7030-4.1.3-rollover */
static void
a_cross_certificate_is_between_two_keys_of_one_ca(void **state)
{
	BERTH_KEY *next_key = authority_key(&authority, "P-256");
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_ISSUING_CA, "Test Issuing", next_key);
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	BERTH_CERT *next =
		authority_issue_by(&authority, &wanted, authority.root, authority.root_key);
	wanted.profile = BERTH_PROFILE_CROSS_CA;
	BERTH_CERT *new_with_old = authority_issue(&authority, &wanted);
	assert_true(berth_cert_is_self_issued(new_with_old));
	/* By its own key it would be a root; of another name it would be one CA too many. */
	assert_int_equal(berth_issue(authority.pki, &wanted, next, next_key, &der, &why),
			 BERTH_E_MISMATCH);
	assert_string_equal(why.rule, "issue-lint");
	wanted.common_name = BERTH_LIT("Test Issuing 2");
	assert_int_equal(
		berth_issue(authority.pki, &wanted, authority.ca, authority.ca_key, &der, &why),
		BERTH_E_MISMATCH);
	/* In a chain the CA's own certificate takes its place. */
	BERTH_CERT_LIST known = {0};
	assert_int_equal(berth_cert_list_add(&known, new_with_old, NULL), BERTH_OK);
	assert_int_equal(berth_cert_list_add(&known, authority.ca, NULL), BERTH_OK);
	assert_ptr_equal(berth_cert_list_uncross(&known, new_with_old), new_with_old);
	assert_int_equal(berth_cert_list_add(&known, next, NULL), BERTH_OK);
	assert_ptr_equal(berth_cert_list_uncross(&known, new_with_old), next);
	assert_ptr_equal(berth_cert_list_uncross(&known, authority.ca), authority.ca);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issues_a_birth_certificate_with_all_its_facts),
		cmocka_unit_test(lint_notices_every_field),
		cmocka_unit_test(lint_notices_every_byte),
		cmocka_unit_test(every_profile_passes_its_own_lint),
		cmocka_unit_test(refuses_templates_that_make_no_certificate),
		cmocka_unit_test(refuses_an_issuer_whose_key_it_has_not),
		cmocka_unit_test(a_cross_certificate_is_between_two_keys_of_one_ca),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
