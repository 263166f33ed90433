/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pki/keystore/pkcs8.h"
#include "pki/ossl.h"

static struct berth_pki *pki;

static int
setup(void **state)
{
	(void)state;
	return berth_pki_open(&pki, NULL) ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	berth_pki_close(pki);
	return 0;
}

static EVP_PKEY *
make(const char *curve)
{
	EVP_PKEY *key = EVP_PKEY_Q_keygen(berth_pki_libctx(pki), NULL, "EC", curve);

	assert_non_null(key);
	return key;
}

/* What OpenSSL writes; freed by the caller. */
static unsigned char *
openssl_writes(EVP_PKEY *key, size_t *ret_n)
{
	unsigned char *der = NULL;
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);

	assert_non_null(info);
	int n = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	assert_true(n > 0);
	PKCS8_PRIV_KEY_INFO_free(info);
	*ret_n = (size_t)n;
	return der;
}

static void
writes_the_bytes_of_openssl_and_reads_them_back(void **state)
{
	(void)state;
	for (int turn = 0; turn < 300; turn++) { /* one key in 256 begins with a zero octet */
		uint8_t der[BERTH_PKCS8_P256_BYTES];
		size_t n = 0;
		EVP_PKEY *key = make("P-256");
		unsigned char *theirs = openssl_writes(key, &n);

		assert_true(berth_pkcs8_write(key, der));
		assert_int_equal(n, sizeof(der));
		assert_memory_equal(der, theirs, n);
		EVP_PKEY *back =
			berth_pkcs8_read(berth_pki_libctx(pki), berth_bytes_of(der, sizeof(der)));
		assert_non_null(back);
		assert_int_equal(EVP_PKEY_eq(key, back), 1);
		EVP_PKEY_free(back);
		EVP_PKEY_free(key);
		OPENSSL_free(theirs);
	}
}

static void
leaves_other_kinds_of_keys_to_openssl(void **state)
{
	(void)state;
	uint8_t der[BERTH_PKCS8_P256_BYTES];
	size_t n = 0;
	EVP_PKEY *key = make("P-384");
	unsigned char *theirs = openssl_writes(key, &n);

	assert_false(berth_pkcs8_write(key, der));
	assert_null(berth_pkcs8_read(berth_pki_libctx(pki), berth_bytes_of(theirs, n)));
	EVP_PKEY_free(key);
	OPENSSL_free(theirs);
	EVP_PKEY *rsa = EVP_PKEY_Q_keygen(berth_pki_libctx(pki), NULL, "RSA", (size_t)2048);
	assert_non_null(rsa);
	assert_false(berth_pkcs8_write(rsa, der));
	EVP_PKEY_free(rsa);
}

static void
refuses_a_point_that_is_not_on_the_curve_and_any_other_form(void **state)
{
	(void)state;
	uint8_t der[BERTH_PKCS8_P256_BYTES];
	EVP_PKEY *key = make("P-256");
	const size_t framing[] = {0, 2, 20, 30, 34, 68, 72, 73};

	assert_true(berth_pkcs8_write(key, der));
	EVP_PKEY_free(key);
	der[sizeof(der) - 1] ^= 1;
	assert_null(berth_pkcs8_read(berth_pki_libctx(pki), berth_bytes_of(der, sizeof(der))));
	der[sizeof(der) - 1] ^= 1;
	for (size_t i = 0; i < sizeof(framing) / sizeof(framing[0]); i++) {
		der[framing[i]] ^= 1;
		assert_null(
			berth_pkcs8_read(berth_pki_libctx(pki), berth_bytes_of(der, sizeof(der))));
		der[framing[i]] ^= 1;
	}
	assert_null(berth_pkcs8_read(berth_pki_libctx(pki), berth_bytes_of(der, sizeof(der) - 1)));
	EVP_PKEY *back = berth_pkcs8_read(berth_pki_libctx(pki), berth_bytes_of(der, sizeof(der)));
	assert_non_null(back);
	EVP_PKEY_free(back);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_bytes_of_openssl_and_reads_them_back),
		cmocka_unit_test(leaves_other_kinds_of_keys_to_openssl),
		cmocka_unit_test(refuses_a_point_that_is_not_on_the_curve_and_any_other_form),
	};

	return cmocka_run_group_tests_name("pki/pkcs8", tests, setup, teardown);
}
