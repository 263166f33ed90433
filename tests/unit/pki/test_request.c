/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/x509v3.h>

#include "pki/csrattrs.h"
#include "pki/ossl.h"
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

static void
build(const struct berth_request_fields *fields, struct berth_key *key, struct berth_buf *der)
{
	struct berth_why why = {0};

	if (berth_request_build(authority.pki, fields, key, der, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
}

static struct berth_request *
parse(const struct berth_buf *der)
{
	struct berth_why why = {0};
	struct berth_request *request = NULL;

	if (berth_request_parse(authority.pki, berth_buf_view(der), &request, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
	return request;
}

static void
reads_what_it_built(void **state)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	struct berth_bytes names[] = {BERTH_LIT("cam-1.example"), BERTH_LIT("cam.example")};
	struct berth_request_fields fields = {
		.common_name = BERTH_LIT("Kamera \xc3\xbc"),
		.serial_number = BERTH_LIT("SN-0001"),
		.organization = BERTH_LIT("Acme"),
		.unit = BERTH_LIT("Hall 3"),
		.dns_names = names,
		.dns_name_count = 2,
		.challenge_password = BERTH_LIT("c2VjcmV0"),
	};
	BERTH_BUF der = {0};

	(void)state;
	build(&fields, key, &der);
	BERTH_REQUEST *request = parse(&der);
	assert_true(berth_bytes_equal(berth_request_der(request), berth_buf_view(&der)));
	assert_true(berth_key_equal(berth_request_key(request), key));
	assert_true(berth_bytes_equal(berth_request_subject_serial_number(request),
				      fields.serial_number));
	assert_true(
		berth_bytes_equal(berth_request_subject_common_name(request), fields.common_name));
	assert_int_equal(berth_request_subject_attribute_count(request), 4);
	assert_true(berth_bytes_equal(berth_request_dns_name(request, 0), names[0]));
	assert_true(berth_bytes_equal(berth_request_dns_name(request, 1), names[1]));
	assert_int_equal(berth_request_dns_name(request, 2).n, 0);
	assert_true(berth_bytes_equal(berth_request_challenge_password(request),
				      fields.challenge_password));
	assert_false(berth_request_has_other_names(request));
	assert_false(berth_request_asks_authority(request));
}

static void
refuses_a_request_without_possession_of_the_key(void **state)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	BERTH_KEY *other = authority_key(&authority, "P-256");
	struct berth_request_fields fields = {.serial_number = BERTH_LIT("SN-0001")};
	BERTH_BUF der = {0};
	struct berth_request *request = NULL;
	struct berth_why why = {0};

	(void)state;
	build(&fields, key, &der);
	struct berth_bytes mine = berth_key_spki(key);
	struct berth_bytes theirs = berth_key_spki(other);
	uint8_t *at = memmem(der.p, der.n, mine.p, mine.n);
	assert_non_null(at);
	memcpy(at, theirs.p, theirs.n);
	assert_int_equal(berth_request_parse(authority.pki, berth_buf_view(&der), &request, &why),
			 BERTH_E_SIGNATURE);
	assert_string_equal(why.rule, "csr-proof-of-possession");
	assert_null(request);
}

static void
refuses_a_changed_subject(void **state)
{
	BERTH_KEY *key = authority_key(&authority, "P-256");
	struct berth_request_fields fields = {.serial_number = BERTH_LIT("SN-0001")};
	BERTH_BUF der = {0};
	struct berth_request *request = NULL;

	(void)state;
	build(&fields, key, &der);
	uint8_t *at = memmem(der.p, der.n, "SN-0001", 7);
	at[6] = '2';
	assert_int_equal(berth_request_parse(authority.pki, berth_buf_view(&der), &request, NULL),
			 BERTH_E_SIGNATURE);
}

/* A request with one extension asked for in OpenSSL's configuration syntax. */
static void
build_with_extension(struct berth_key *key, int nid, const char *value, struct berth_buf *der)
{
	X509_REQ *request = X509_REQ_new_ex(berth_pki_libctx(authority.pki), NULL);
	STACK_OF(X509_EXTENSION) *extensions = sk_X509_EXTENSION_new_null();
	unsigned char *bytes = NULL;

	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(extension);
	assert_true(sk_X509_EXTENSION_push(extensions, extension) > 0);
	assert_int_equal(X509_REQ_add_extensions(request, extensions), 1);
	assert_int_equal(X509_REQ_set_pubkey(request, berth_key_pkey(key)), 1);
	assert_true(X509_REQ_sign(request, berth_key_pkey(key), EVP_sha256()) > 0);
	int n = i2d_X509_REQ(request, &bytes);
	assert_int_equal(berth_buf_append(der, bytes, (size_t)n), BERTH_OK);
	OPENSSL_free(bytes);
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	X509_REQ_free(request);
}

static void
notices_who_asks_for_authority(void **state)
{
	static const struct {
		int nid;
		const char *value;
		bool authority, other_names;
	} rows[] = {
		{NID_basic_constraints, "CA:TRUE", true, false},
		{NID_basic_constraints, "CA:FALSE", false, false},
		{NID_key_usage, "digitalSignature,keyAgreement", false, false},
		{NID_key_usage, "digitalSignature,keyCertSign", true, false},
		{NID_key_usage, "cRLSign", true, false},
		{NID_ext_key_usage, "clientAuth,serverAuth", false, false},
		{NID_ext_key_usage, "clientAuth,OCSPSigning", true, false},
		{NID_ext_key_usage, "1.3.6.1.5.5.7.3.28", true, false},
		{NID_subject_alt_name, "DNS:a.example", false, false},
		{NID_subject_alt_name, "DNS:a.example,IP:192.0.2.1", false, true},
		{NID_subject_alt_name, "email:root@example", false, true},
	};
	BERTH_KEY *key = authority_key(&authority, "P-256");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF der = {0};
		build_with_extension(key, rows[i].nid, rows[i].value, &der);
		BERTH_REQUEST *request = parse(&der);
		if (berth_request_asks_authority(request) != rows[i].authority ||
		    berth_request_has_other_names(request) != rows[i].other_names)
			fail_msg("%s is misjudged", rows[i].value);
	}
}

static void
csr_attributes_survive_the_round_trip(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 16; bits++) {
		struct berth_csrattrs wanted = {
			.want_serial_number = (bits & 1) != 0,
			.key = (bits & 2) != 0 ? "P-256" : NULL,
			.want_sha256 = (bits & 4) != 0,
			.dns_names = {BERTH_LIT("cam.example")},
			.dns_name_count = (bits & 8) != 0,
		};
		struct berth_csrattrs read;
		BERTH_BUF der = {0};
		assert_int_equal(berth_csrattrs_build(&wanted, BERTH_CSRATTRS_PLAIN, &der, NULL),
				 BERTH_OK);
		assert_int_equal(berth_csrattrs_parse(berth_buf_view(&der), &read, NULL), BERTH_OK);
		assert_int_equal(read.want_serial_number, wanted.want_serial_number);
		assert_true(read.key == wanted.key || strcmp(read.key, wanted.key) == 0);
		assert_int_equal(read.want_sha256, wanted.want_sha256);
		assert_int_equal(read.dns_name_count, wanted.dns_name_count);
		assert_true(read.dns_name_count == 0 ||
			    berth_bytes_equal(read.dns_names[0], wanted.dns_names[0]));
		assert_false(read.is_template);
	}
}

/* The example of RFC 7030 4.5.2: challengePassword, P-384 key, an extension request, SHA-384. */
static void
skips_csr_attributes_it_does_not_know(void **state)
{
	static const uint8_t example[] = {
		0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x07, 0x30,
		0x12, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x31, 0x07, 0x06, 0x05,
		0x2b, 0x81, 0x04, 0x00, 0x22, 0x30, 0x16, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
		0x0d, 0x01, 0x09, 0x0e, 0x31, 0x09, 0x06, 0x07, 0x2b, 0x06, 0x01, 0x01, 0x01, 0x01,
		0x16, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03,
	};
	struct berth_csrattrs read;
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(
		berth_csrattrs_parse(berth_bytes_of(example, sizeof(example)), &read, &why),
		BERTH_OK);
	assert_false(read.want_serial_number || read.want_sha256);
	assert_true(read.want_challenge_password);
	assert_string_equal(read.key, "P-384");
	assert_int_equal(
		berth_csrattrs_parse(berth_bytes_of(example, sizeof(example) - 1), &read, &why),
		BERTH_E_SYNTAX);
}

static void
checks_a_request_against_what_was_asked(void **state)
{
	BERTH_KEY *p256 = authority_key(&authority, "P-256");
	BERTH_KEY *p384 = authority_key(&authority, "P-384");
	struct berth_bytes name = BERTH_LIT("cam.example");
	struct berth_csrattrs asked = {.want_serial_number = true,
				       .key = "P-256",
				       .want_sha256 = true,
				       .dns_names = {name},
				       .dns_name_count = 1};
	const struct {
		const char *rule;
		struct berth_request_fields fields;
		struct berth_key *key;
	} rows[] = {
		{NULL,
		 {.serial_number = BERTH_LIT("1"), .dns_names = &name, .dns_name_count = 1},
		 p256},
		{"rfc8995-5.9.3-csr-serial-number",
		 {.common_name = BERTH_LIT("1"), .dns_names = &name, .dns_name_count = 1},
		 p256},
		{"rfc8995-5.9.3-csr-key",
		 {.serial_number = BERTH_LIT("1"), .dns_names = &name, .dns_name_count = 1},
		 p384},
		{"rfc8995-5.9.3-csr-dns-name", {.serial_number = BERTH_LIT("1")}, p256},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF der = {0};
		struct berth_why why = {0};
		build(&rows[i].fields, rows[i].key, &der);
		BERTH_REQUEST *request = parse(&der);
		enum berth_err err = berth_csrattrs_check(&asked, request, &why);
		if (rows[i].rule == NULL) {
			assert_int_equal(err, BERTH_OK);
			continue;
		}
		assert_int_equal(err, BERTH_E_MISMATCH);
		assert_string_equal(why.rule, rows[i].rule);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_built),
		cmocka_unit_test(refuses_a_request_without_possession_of_the_key),
		cmocka_unit_test(refuses_a_changed_subject),
		cmocka_unit_test(notices_who_asks_for_authority),
		cmocka_unit_test(csr_attributes_survive_the_round_trip),
		cmocka_unit_test(skips_csr_attributes_it_does_not_know),
		cmocka_unit_test(checks_a_request_against_what_was_asked),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
