/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/hkdf.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/hex.h"

static struct berth_pki *pki;

static struct berth_bytes
hex(const char *text, struct berth_buf *buf)
{
	berth_buf_clear(buf);
	assert_int_equal(berth_hex_decode(berth_text(text), buf, NULL), BERTH_OK);
	return berth_buf_view(buf);
}

static void
assert_hex(const void *p, size_t n, const char *expected)
{
	char text[257];

	assert_string_equal(berth_hex_text(berth_bytes_of(p, n), text, sizeof(text)), expected);
}

/* RFC 5869 A.1 */
static void
expands_as_the_first_case_of_rfc_5869(void **state)
{
	BERTH_BUF ikm = {0}, salt = {0}, info = {0};
	BERTH_SECRET prk = {0}, okm = {0};

	(void)state;
	struct berth_bytes secret = hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", &ikm);
	assert_int_equal(berth_hkdf_extract(pki, 32, hex("000102030405060708090a0b0c", &salt),
					    &secret, 1, &prk),
			 BERTH_OK);
	assert_hex(prk.p, prk.n,
		   "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5");
	assert_int_equal(
		berth_hkdf_expand(pki, 32, &prk, hex("f0f1f2f3f4f5f6f7f8f9", &info), 42, &okm),
		BERTH_OK);
	assert_hex(okm.p, okm.n,
		   "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208"
		   "d5b887185865");
}

/* RFC 4231 4.3 and 4.7: a short key, and one longer than a block */
static void
authenticates_as_rfc_4231(void **state)
{
	const struct berth_bytes what = BERTH_LIT("what do ya want for nothing?");
	const struct berth_bytes larger =
		BERTH_LIT("Test Using Larger Than Block-Size Key - Hash Key First");
	uint8_t key[131];
	uint8_t tag[BERTH_HASH_MAX];

	(void)state;
	memset(key, 0xaa, sizeof(key));
	assert_int_equal(berth_hmac(pki, 32, BERTH_LIT("Jefe"), &what, 1, tag), BERTH_OK);
	assert_hex(tag, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	assert_int_equal(berth_hmac(pki, 48, BERTH_LIT("Jefe"), &what, 1, tag), BERTH_OK);
	assert_hex(tag, 48,
		   "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
		   "8e2240ca5e69e2c78b3239ecfab21649");
	assert_int_equal(berth_hmac(pki, 32, berth_bytes_of(key, sizeof(key)), &larger, 1, tag),
			 BERTH_OK);
	assert_hex(tag, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void
refuses_a_length_that_is_no_hash(void **state)
{
	uint8_t tag[BERTH_HASH_MAX];

	(void)state;
	assert_int_not_equal(berth_hash(pki, 20, NULL, 0, tag), BERTH_OK);
	assert_int_not_equal(berth_hmac(pki, 20, BERTH_BYTES_NONE, NULL, 0, tag), BERTH_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expands_as_the_first_case_of_rfc_5869),
		cmocka_unit_test(authenticates_as_rfc_4231),
		cmocka_unit_test(refuses_a_length_that_is_no_hash),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
