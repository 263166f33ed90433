/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/err.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>

#include "pki/ossl.h"

static struct berth_pki *pki;

/* A new key's SubjectPublicKeyInfo, made outside the library context under test. */
static enum berth_err
parse_new(EVP_PKEY *pkey, struct berth_key **ret, struct berth_why *why)
{
	unsigned char *der = NULL;

	assert_non_null(pkey);
	int n = i2d_PUBKEY(pkey, &der);
	assert_true(n > 0);
	enum berth_err err = berth_key_parse_spki(pki, berth_bytes_of(der, (size_t)n), ret, why);
	OPENSSL_free(der);
	EVP_PKEY_free(pkey);
	return err;
}

static void
reads_the_kinds_it_knows(void **state)
{
	static const char *const curves[][2] = {
		{"P-256", "P-256"}, {"P-384", "P-384"}, {"P-521", "P-521"}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		BERTH_KEY *key = NULL;
		assert_int_equal(parse_new(EVP_EC_gen(curves[i][0]), &key, NULL), BERTH_OK);
		assert_string_equal(berth_key_kind(key), curves[i][1]);
		assert_false(berth_key_has_private(key));
	}
	BERTH_KEY *rsa = NULL;
	assert_int_equal(parse_new(EVP_RSA_gen(2048), &rsa, NULL), BERTH_OK);
	assert_string_equal(berth_key_kind(rsa), "RSA-2048");
}

static void
refuses_other_kinds(void **state)
{
	struct berth_key *key = NULL;
	struct berth_why why = {0};

	(void)state;
	assert_int_not_equal(parse_new(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), &key, &why),
			     BERTH_OK);
	assert_int_equal(parse_new(EVP_EC_gen("secp256k1"), &key, &why), BERTH_E_UNSUPPORTED);
	assert_string_equal(why.rule, "pki-key-kind");
	assert_int_equal(parse_new(EVP_RSA_gen(1024), &key, &why), BERTH_E_UNSUPPORTED);
	assert_null(key);
}

static void
refuses_a_point_that_is_not_on_the_curve(void **state)
{
	BERTH_KEY *key = NULL;
	BERTH_BUF spki = {0};
	struct berth_key *off = NULL;

	(void)state;
	assert_int_equal(parse_new(EVP_EC_gen("P-256"), &key, NULL), BERTH_OK);
	assert_int_equal(berth_buf_append_bytes(&spki, berth_key_spki(key)), BERTH_OK);
	spki.p[spki.n - 1] ^= 1;
	assert_int_equal(berth_key_parse_spki(pki, berth_buf_view(&spki), &off, NULL),
			 BERTH_E_SYNTAX);
}

static void
names_a_key_by_rfc_5280_method_one(void **state)
{
	BERTH_KEY *key = NULL;
	uint8_t id[BERTH_KEY_ID_BYTES];
	uint8_t want[EVP_MAX_MD_SIZE];

	(void)state;
	assert_int_equal(parse_new(EVP_EC_gen("P-256"), &key, NULL), BERTH_OK);
	struct berth_bytes spki = berth_key_spki(key);
	assert_int_equal(EVP_Digest(spki.p + spki.n - 65, 65, want, NULL, EVP_sha1(), NULL), 1);
	berth_key_id(key, id);
	assert_memory_equal(id, want, sizeof(id));
}

/* Everything but decoding comes from the forwarded provider; the keystore is never met by accident. */
static void
library_context_serves_everything_else(void **state)
{
	OSSL_LIB_CTX *libctx = berth_pki_libctx(pki);

	(void)state;
	EVP_PKEY *exchange = EVP_PKEY_Q_keygen(libctx, NULL, "X25519");
	assert_non_null(exchange);
	EVP_PKEY_free(exchange);
	EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(libctx, "EC", NULL);
	assert_string_equal(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(keys)),
			    "berth-narrow");
	EVP_KEYMGMT_free(keys);
	EVP_SIGNATURE *signature = EVP_SIGNATURE_fetch(libctx, "ECDSA", NULL);
	assert_string_equal(OSSL_PROVIDER_get0_name(EVP_SIGNATURE_get0_provider(signature)),
			    "berth-narrow");
	EVP_SIGNATURE_free(signature);
}

/* Each algorithm that OpenSSL knows makes each decoding of a key longer, and one that Berth has no use for helps nobody. */
static void
library_context_has_no_more_than_it_needs(void **state)
{
	OSSL_LIB_CTX *libctx = berth_pki_libctx(pki);

	(void)state;
	assert_null(EVP_MD_fetch(libctx, "MD5", NULL));
	assert_null(EVP_CIPHER_fetch(libctx, "AES-128-CBC", NULL));
	assert_null(EVP_SIGNATURE_fetch(libctx, "ED25519", NULL));
	assert_null(EVP_KDF_fetch(libctx, "HKDF", NULL));
	ERR_clear_error();
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(libctx, "AES-256-GCM", NULL);
	assert_non_null(cipher);
	EVP_CIPHER_free(cipher);
}

static int
setup(void **state)
{
	(void)state;
	return berth_pki_open(&pki, NULL);
}

static int
teardown(void **state)
{
	(void)state;
	berth_pki_close(pki);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_kinds_it_knows),
		cmocka_unit_test(refuses_other_kinds),
		cmocka_unit_test(refuses_a_point_that_is_not_on_the_curve),
		cmocka_unit_test(names_a_key_by_rfc_5280_method_one),
		cmocka_unit_test(library_context_serves_everything_else),
		cmocka_unit_test(library_context_has_no_more_than_it_needs),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
