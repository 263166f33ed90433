/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "pki/crl.h"
#include "pki/library.h"
#include "unit/pki/authority.h"

#define POINT BERTH_LIT("http://crl.example/1.crl")

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

static struct berth_cert *
device(struct berth_bytes crl_url)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	struct berth_cert_template wanted =
		authority_template(&authority, BERTH_PROFILE_LDEVID, "device", key);

	wanted.crl_url = crl_url;
	return authority_issue(&authority, &wanted);
}

static struct berth_crl_fields
fields(const struct berth_crl_entry *entries, size_t n)
{
	return (struct berth_crl_fields){
		.number = 7,
		.this_update = {NOW.s - 60},
		.next_update = {NOW.s + 3600},
		.entries = entries,
		.entry_count = n,
	};
}

static struct berth_crl *
make(const struct berth_crl_fields *wanted)
{
	BERTH_BUF der = {0};
	struct berth_why why = {0};
	struct berth_crl *crl = NULL;

	if (berth_crl_issue(authority.pki, wanted, authority.ca, authority.ca_key, &der, &why) ||
	    berth_crl_parse(authority.pki, berth_buf_view(&der), &crl, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	return crl;
}

static void
assert_refused(enum berth_err err, enum berth_err want, const struct berth_why *why,
	       const char *rule)
{
	assert_int_equal(err, want);
	assert_string_equal(why->rule, rule);
}

/* req: rfc5280-6.3-revoked rfc5280-5.3.1-unspecified */
static void
a_listed_certificate_is_revoked_and_another_is_not(void **state)
{
	BERTH_CERT *good = device(BERTH_BYTES_NONE);
	BERTH_CERT *bad = device(BERTH_BYTES_NONE);
	BERTH_CERT *other = device(BERTH_BYTES_NONE);
	const struct berth_crl_entry entries[] = {
		{.serial = berth_cert_serial(bad), .revoked_at = NOW, .reason = 9},
		{.serial = berth_cert_serial(other), .revoked_at = {NOW.s - 5}},
	};
	struct berth_crl_fields wanted = fields(entries, 2);
	BERTH_CRL *crl = make(&wanted);
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_crl_entry_count(crl), 2);
	assert_int_equal(berth_crl_verify(authority.pki, crl, authority.ca, NOW, &why), BERTH_OK);
	assert_int_equal(berth_crl_check(crl, good, &why), BERTH_OK);
	assert_refused(berth_crl_check(crl, bad, &why), BERTH_E_DENIED, &why,
		       "rfc5280-6.3-revoked");
	assert_refused(berth_crl_check(crl, other, &why), BERTH_E_DENIED, &why,
		       "rfc5280-6.3-revoked");
}

/* req: rfc5280-5.2.1-aki rfc5280-5.2.3-number rfc5280-5.1.2.5-next-update */
static void
says_its_number_times_and_issuer_key(void **state)
{
	struct berth_crl_fields wanted = fields(NULL, 0);

	(void)state;
	wanted.number = UINT64_MAX;
	BERTH_CRL *crl = make(&wanted);
	assert_true(berth_crl_number(crl) == UINT64_MAX);
	assert_int_equal(berth_crl_this_update(crl).s, NOW.s - 60);
	assert_int_equal(berth_crl_next_update(crl).s, NOW.s + 3600);
	assert_int_equal(berth_crl_entry_count(crl), 0);
	assert_true(berth_bytes_equal(berth_crl_aki_key_id(crl), berth_cert_ski(authority.ca)));
}

/* req: rfc5280-6.3-stale */
static void
refuses_a_stale_list_and_one_from_the_future(void **state)
{
	struct berth_crl_fields wanted = fields(NULL, 0);
	BERTH_CRL *crl = make(&wanted);
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_crl_verify(authority.pki, crl, authority.ca,
					  (struct berth_wall){NOW.s + 3600}, &why),
			 BERTH_OK);
	assert_refused(berth_crl_verify(authority.pki, crl, authority.ca,
					(struct berth_wall){NOW.s + 3601}, &why),
		       BERTH_E_EXPIRED, &why, "rfc5280-6.3-stale");
	assert_refused(berth_crl_verify(authority.pki, crl, authority.ca,
					(struct berth_wall){NOW.s - 3600}, &why),
		       BERTH_E_EXPIRED, &why, "rfc5280-6.3-not-yet");
}

/* req: rfc5280-6.3-signature rfc5280-6.3-issuer */
static void
refuses_a_list_that_its_issuer_did_not_sign(void **state)
{
	struct berth_crl_fields wanted = fields(NULL, 0);
	BERTH_BUF der = {0};
	BERTH_CRL *changed = NULL;
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(
		berth_crl_issue(authority.pki, &wanted, authority.ca, authority.ca_key, &der, &why),
		BERTH_OK);
	der.p[der.n - 1] ^= 1;
	assert_int_equal(berth_crl_parse(authority.pki, berth_buf_view(&der), &changed, &why),
			 BERTH_OK);
	assert_refused(berth_crl_verify(authority.pki, changed, authority.ca, NOW, &why),
		       BERTH_E_SIGNATURE, &why, "rfc5280-6.3-signature");
	BERTH_CRL *crl = make(&wanted);
	assert_refused(berth_crl_verify(authority.pki, crl, authority.root, NOW, &why),
		       BERTH_E_UNTRUSTED, &why, "rfc5280-6.3-issuer");
	BERTH_CERT *cert = device(BERTH_BYTES_NONE);
	assert_refused(berth_crl_verify(authority.pki, crl, cert, NOW, &why), BERTH_E_UNTRUSTED,
		       &why, "rfc5280-6.3-issuer");
}

/* req: rfc5280-6.3-idp rfc5280-5.2.5-critical rfc5280-4.2.1.13-cdp */
static void
a_partition_covers_the_certificates_that_name_it(void **state)
{
	struct berth_crl_fields wanted = fields(NULL, 0);
	BERTH_CERT *inside = device(POINT);
	BERTH_CERT *outside = device(BERTH_LIT("http://crl.example/2.crl"));
	BERTH_CERT *nowhere = device(BERTH_BYTES_NONE);
	struct berth_why why = {0};

	(void)state;
	wanted.distribution_point = POINT;
	BERTH_CRL *crl = make(&wanted);
	assert_true(berth_bytes_equal(berth_crl_distribution_point(crl), POINT));
	assert_int_equal(berth_crl_check(crl, inside, &why), BERTH_OK);
	assert_refused(berth_crl_check(crl, outside, &why), BERTH_E_MISMATCH, &why,
		       "rfc5280-6.3-scope");
	assert_refused(berth_crl_check(crl, nowhere, &why), BERTH_E_MISMATCH, &why,
		       "rfc5280-6.3-scope");
}

static void
refuses_a_certificate_of_another_issuer(void **state)
{
	struct berth_crl_fields wanted = fields(NULL, 0);
	BERTH_CRL *crl = make(&wanted);
	struct berth_why why = {0};

	(void)state;
	assert_refused(berth_crl_check(crl, authority.ca, &why), BERTH_E_MISMATCH, &why,
		       "rfc5280-6.3-scope");
}

/* What our own issuing never makes: a delta list, and an entry that means another issuer's certificate. */
/* req: rfc5280-5.2-critical rfc5280-5.3-critical */
static void
refuses_critical_extensions_that_it_does_not_know(void **state)
{
	const struct berth_crl_entry entry = {.serial = BERTH_LIT("\x01"), .revoked_at = NOW};
	struct berth_crl_fields wanted = fields(&entry, 1);
	const char *rules[] = {"rfc5280-5.2-critical", "rfc5280-5.3-critical"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		BERTH_BUF der = {0};
		BERTH_CRL *read = NULL;
		struct berth_why why = {0};
		unsigned char *bytes = NULL;
		assert_int_equal(berth_crl_issue(authority.pki, &wanted, authority.ca,
						 authority.ca_key, &der, &why),
				 BERTH_OK);
		const unsigned char *p = der.p;
		X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.n);
		ASN1_INTEGER *base = ASN1_INTEGER_new();
		assert_int_equal(ASN1_INTEGER_set(base, 1), 1);
		if (i == 0)
			assert_int_equal(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, base, 1, 0), 1);
		else
			assert_int_equal(
				X509_REVOKED_add1_ext_i2d(
					sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0),
					NID_delta_crl, base, 1, 0),
				1);
		assert_true(X509_CRL_sign(crl, berth_key_pkey(authority.ca_key),
					  berth_pki_digest(authority.pki, "SHA256")) > 0);
		int n = i2d_X509_CRL(crl, &bytes);
		assert_refused(berth_crl_parse(authority.pki, berth_bytes_of(bytes, (size_t)n),
					       &read, &why),
			       BERTH_E_UNSUPPORTED, &why, rules[i]);
		OPENSSL_free(bytes);
		ASN1_INTEGER_free(base);
		X509_CRL_free(crl);
	}
}

static void
makes_no_list_that_would_be_refused(void **state)
{
	const struct berth_crl_entry zero = {.serial = BERTH_LIT("\x00\x01"), .revoked_at = NOW};
	const struct berth_crl_entry hold = {
		.serial = BERTH_LIT("\x01"), .revoked_at = NOW, .reason = 8};
	struct berth_crl_fields changed[4];
	const char *rules[] = {"crl-fields", "crl-fields", "crl-entry", "crl-entry"};
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	changed[0] = changed[1] = fields(NULL, 0);
	changed[0].number = 0;
	changed[1].next_update = changed[1].this_update;
	changed[2] = fields(&zero, 1);
	changed[3] = fields(&hold, 1);
	for (size_t i = 0; i < 4; i++) {
		assert_refused(berth_crl_issue(authority.pki, &changed[i], authority.ca,
					       authority.ca_key, &der, &why),
			       BERTH_E_USAGE, &why, rules[i]);
		assert_int_equal(der.n, 0);
	}
	struct berth_crl_fields wanted = fields(NULL, 0);
	assert_refused(berth_crl_issue(authority.pki, &wanted, authority.ca, authority.root_key,
				       &der, &why),
		       BERTH_E_MISMATCH, &why, "crl-issuer-key");
}

/* Byte by byte: what is read after a change is never taken for this issuer's word. */
static void
no_change_of_one_byte_passes(void **state)
{
	struct berth_crl_fields wanted = fields(NULL, 0);
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	wanted.distribution_point = POINT;
	assert_int_equal(
		berth_crl_issue(authority.pki, &wanted, authority.ca, authority.ca_key, &der, &why),
		BERTH_OK);
	for (size_t i = 0; i < der.n; i++) {
		BERTH_CRL *crl = NULL;
		der.p[i] ^= 1;
		if (berth_crl_parse(authority.pki, berth_buf_view(&der), &crl, &why) == BERTH_OK)
			assert_int_not_equal(
				berth_crl_verify(authority.pki, crl, authority.ca, NOW, &why),
				BERTH_OK);
		der.p[i] ^= 1;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_listed_certificate_is_revoked_and_another_is_not),
		cmocka_unit_test(says_its_number_times_and_issuer_key),
		cmocka_unit_test(refuses_a_stale_list_and_one_from_the_future),
		cmocka_unit_test(refuses_a_list_that_its_issuer_did_not_sign),
		cmocka_unit_test(a_partition_covers_the_certificates_that_name_it),
		cmocka_unit_test(refuses_a_certificate_of_another_issuer),
		cmocka_unit_test(refuses_critical_extensions_that_it_does_not_know),
		cmocka_unit_test(makes_no_list_that_would_be_refused),
		cmocka_unit_test(no_change_of_one_byte_passes),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
