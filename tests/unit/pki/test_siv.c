/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/siv.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/hex.h"

static struct berth_pki *pki;

#define KEY "fffefdfcfbfaf9f8f7f6f5f4f3f2f1f0f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"
#define PLAIN "112233445566778899aabbccddee"

static struct berth_bytes
hex(const char *text, struct berth_buf *buf)
{
	berth_buf_clear(buf);
	assert_int_equal(berth_hex_decode(berth_text(text), buf, NULL), BERTH_OK);
	return berth_buf_view(buf);
}

static enum berth_err
open_with(struct berth_bytes key, const struct berth_bytes *associated, size_t n,
	  struct berth_bytes sealed, struct berth_buf *plain, struct berth_why *why)
{
	BERTH_SECRET secret = {0};

	assert_int_equal(berth_secret_copy(&secret, key), BERTH_OK);
	return berth_siv_open(pki, &secret, associated, n, sealed, plain, why);
}

/* RFC 5297 A.1 */
static void
seals_as_rfc_5297(void **state)
{
	BERTH_BUF key = {0}, data = {0}, plain = {0}, sealed = {0}, again = {0};
	BERTH_SECRET secret = {0};
	char text[128];

	(void)state;
	assert_int_equal(berth_secret_copy(&secret, hex(KEY, &key)), BERTH_OK);
	struct berth_bytes associated =
		hex("101112131415161718191a1b1c1d1e1f2021222324252627", &data);
	assert_int_equal(berth_siv_seal(pki, &secret, &associated, 1, hex(PLAIN, &plain), &sealed),
			 BERTH_OK);
	assert_string_equal(berth_hex_text(berth_buf_view(&sealed), text, sizeof(text)),
			    "85632d07c6e8f37f950acd320a2ecc9340c02b9690c4dc04daef7f6afe5c");
	assert_int_equal(
		berth_siv_open(pki, &secret, &associated, 1, berth_buf_view(&sealed), &again, NULL),
		BERTH_OK);
	assert_true(berth_bytes_equal(berth_buf_view(&again), berth_buf_view(&plain)));
}

static void
seals_and_opens_with_every_length_of_key_and_no_text(void **state)
{
	uint8_t octets[64];

	(void)state;
	memset(octets, 7, sizeof(octets));
	for (size_t n = 32; n <= 64; n += 16) {
		const struct berth_secret key = {octets, n};
		BERTH_BUF sealed = {0}, plain = {0};
		assert_int_equal(berth_siv_seal(pki, &key, NULL, 0, BERTH_LIT("a text"), &sealed),
				 BERTH_OK);
		assert_int_equal(sealed.n, BERTH_SIV_IV_BYTES + 6);
		assert_int_equal(
			berth_siv_open(pki, &key, NULL, 0, berth_buf_view(&sealed), &plain, NULL),
			BERTH_OK);
		assert_true(berth_bytes_equal_text(berth_buf_view(&plain), "a text"));
	}
	const struct berth_secret odd = {octets, 40};
	BERTH_BUF none = {0};
	assert_int_not_equal(berth_siv_seal(pki, &odd, NULL, 0, BERTH_LIT("a"), &none), BERTH_OK);
	assert_int_equal(none.n, 0);
}

static void
an_empty_entry_is_not_the_same_as_none(void **state)
{
	BERTH_BUF key = {0}, sealed = {0}, plain = {0};
	BERTH_SECRET secret = {0};
	const struct berth_bytes associated[] = {BERTH_LIT("header"), BERTH_BYTES_NONE};
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_secret_copy(&secret, hex(KEY, &key)), BERTH_OK);
	assert_int_equal(berth_siv_seal(pki, &secret, associated, 2, BERTH_LIT("text"), &sealed),
			 BERTH_OK);
	assert_int_equal(open_with(berth_buf_view(&key), associated, 1, berth_buf_view(&sealed),
				   &plain, &why),
			 BERTH_E_SIGNATURE);
	assert_string_equal(why.rule, "siv");
	assert_int_equal(plain.n, 0);
	assert_int_equal(open_with(berth_buf_view(&key), associated, 2, berth_buf_view(&sealed),
				   &plain, &why),
			 BERTH_OK);
}

static void
any_altered_octet_is_refused(void **state)
{
	BERTH_BUF key = {0}, sealed = {0}, plain = {0};
	BERTH_SECRET secret = {0};

	(void)state;
	assert_int_equal(berth_secret_copy(&secret, hex(KEY, &key)), BERTH_OK);
	assert_int_equal(berth_siv_seal(pki, &secret, NULL, 0, BERTH_LIT("text"), &sealed),
			 BERTH_OK);
	for (size_t i = 0; i < sealed.n; i++) {
		sealed.p[i] ^= 1;
		assert_int_equal(open_with(berth_buf_view(&key), NULL, 0, berth_buf_view(&sealed),
					   &plain, NULL),
				 BERTH_E_SIGNATURE);
		sealed.p[i] ^= 1;
	}
	assert_int_equal(open_with(berth_buf_view(&key), NULL, 0,
				   berth_bytes_of(sealed.p, BERTH_SIV_IV_BYTES - 1), &plain, NULL),
			 BERTH_E_SYNTAX);
	assert_int_equal(
		open_with(berth_buf_view(&key), NULL, 0, berth_buf_view(&sealed), &plain, NULL),
		BERTH_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seals_as_rfc_5297),
		cmocka_unit_test(seals_and_opens_with_every_length_of_key_and_no_text),
		cmocka_unit_test(an_empty_entry_is_not_the_same_as_none),
		cmocka_unit_test(any_altered_octet_is_refused),
	};

	if (berth_pki_open(&pki, NULL) != BERTH_OK)
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	berth_pki_close(pki);
	return failed;
}
