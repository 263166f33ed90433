/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/siv.h"

#include "pki/library.h"
#include "pki/ossl_annot.h"

static EVP_CIPHER *
cipher_of(struct berth_pki *pki, size_t key_bytes)
{
	static const char *const names[BERTH_SIVS] = {"AES-128-SIV", "AES-192-SIV", "AES-256-SIV"};
	size_t place = key_bytes == 32 ? 0 : key_bytes == 48 ? 1 : 2;

	if (key_bytes != 32 && key_bytes != 48 && key_bytes != 64)
		return NULL;
	if (pki->siv[place] == NULL)
		pki->siv[place] = EVP_CIPHER_fetch(pki->libctx, names[place], NULL);
	return pki->siv[place];
}

enum direction { OPEN, SEAL };

/* Keys the context and gives it the associated data; NULL: OpenSSL failed. */
static EVP_CIPHER_CTX *
begin(struct berth_pki *pki, const struct berth_secret *key, const struct berth_bytes *associated,
      size_t n, enum direction direction)
{
	EVP_CIPHER *cipher = cipher_of(pki, key->n);
	EVP_CIPHER_CTX *context = cipher == NULL ? NULL : EVP_CIPHER_CTX_new();
	bool is_done = context != NULL &&
		       EVP_CipherInit_ex(context, cipher, NULL, key->p, NULL, direction) == 1;
	int ignored = 0;

	for (size_t i = 0; is_done && i < n; i++) {
		/* NULL would be left out by OpenSSL; an empty entry counts */
		const uint8_t *p = associated[i].n == 0 ? (const uint8_t *)"" : associated[i].p;
		is_done = EVP_CipherUpdate(context, NULL, &ignored, p, (int)associated[i].n) == 1;
	}
	if (is_done)
		return context;
	EVP_CIPHER_CTX_free(context);
	return NULL;
}

enum berth_err
berth_siv_seal(struct berth_pki *pki, const struct berth_secret *key,
	       const struct berth_bytes *associated, size_t n, struct berth_bytes plain,
	       struct berth_buf *sealed)
{
	const uint8_t zeros[BERTH_SIV_IV_BYTES] = {0};
	size_t start = sealed->n;
	enum berth_err err = berth_buf_append(sealed, zeros, sizeof(zeros));
	err = err ? err : berth_buf_append_bytes(sealed, plain);
	if (err)
		return err;
	EVP_CIPHER_CTX *context = begin(pki, key, associated, n, SEAL);
	uint8_t *iv = sealed->p + start;
	int done = 0;
	bool is_done =
		context != NULL &&
		EVP_EncryptUpdate(context, iv + BERTH_SIV_IV_BYTES, &done,
				  plain.n == 0 ? (const uint8_t *)"" : plain.p,
				  (int)plain.n) == 1 &&
		EVP_EncryptFinal_ex(context, iv + BERTH_SIV_IV_BYTES, &done) == 1 &&
		EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, BERTH_SIV_IV_BYTES, iv) == 1;
	EVP_CIPHER_CTX_free(context);
	if (!is_done)
		sealed->n = start;
	return is_done ? BERTH_OK : BERTH_E_CRYPTO;
}

enum berth_err
berth_siv_open(struct berth_pki *pki, const struct berth_secret *key,
	       const struct berth_bytes *associated, size_t n, struct berth_bytes sealed,
	       struct berth_buf *plain, struct berth_why *why)
{
	size_t start = plain->n;

	if (sealed.n < BERTH_SIV_IV_BYTES)
		return berth_fail(why, BERTH_E_SYNTAX, "siv", "RFC 5297 2.7",
				  "Sealed data is shorter than its synthetic IV.");
	struct berth_bytes text =
		berth_bytes_of(sealed.p + BERTH_SIV_IV_BYTES, sealed.n - BERTH_SIV_IV_BYTES);
	enum berth_err err = berth_buf_append_bytes(plain, text);
	if (err)
		return err;
	uint8_t iv[BERTH_SIV_IV_BYTES];
	memcpy(iv, sealed.p, sizeof(iv));
	EVP_CIPHER_CTX *context = begin(pki, key, associated, n, OPEN);
	int done = 0;
	/* the IV is the tag, and wanted before anything is decrypted */
	bool is_begun = context != NULL && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG,
							       BERTH_SIV_IV_BYTES, iv) == 1;
	bool is_open =
		is_begun &&
		EVP_DecryptUpdate(context, plain->p + start, &done,
				  text.n == 0 ? (const uint8_t *)"" : text.p, (int)text.n) == 1 &&
		EVP_DecryptFinal_ex(context, plain->p + start, &done) == 1;
	EVP_CIPHER_CTX_free(context);
	if (is_open)
		return BERTH_OK;
	berth_wipe(plain->p + start, text.n);
	plain->n = start;
	if (!is_begun)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "siv", NULL, "AES-SIV cannot be used");
	return berth_fail(why, BERTH_E_SIGNATURE, "siv", "RFC 5297 2.7",
			  "Sealed data does not open: it was sealed with another key, or altered.");
}

enum berth_err
berth_siv_self_test(struct berth_pki *pki, struct berth_why *why)
{
	static const uint8_t header[] = {0x50, 0x6f, 0x9a, 0x1a, 0x01, 0x0b};
	static const uint8_t plain[25] = {1};
	static const uint8_t expected[] = {0x6c, 0x82, 0x19, 0x52, 0x9a, 0xda, 0xc7, 0xb7,
					   0x47, 0xa6, 0xee, 0xcc, 0x71, 0xc3, 0x55, 0x6b};
	uint8_t zeros[32] = {0};
	const struct berth_secret key = {zeros, sizeof(zeros)};
	const struct berth_bytes associated[] = {berth_bytes_of(header, sizeof(header)),
						 BERTH_BYTES_NONE};
	BERTH_BUF sealed = {0};
	enum berth_err err = berth_siv_seal(pki, &key, associated, 2,
					    berth_bytes_of(plain, sizeof(plain)), &sealed);

	if (err || memcmp(sealed.p, expected, sizeof(expected)) != 0)
		return berth_fail(
			why, BERTH_E_CRYPTO, "siv-self-test", "RFC 5297 2.4",
			"OpenSSL's AES-SIV gives a wrong answer (CVE-2023-2975 leaves empty "
			"data out); install OpenSSL 3.0.10 or later.");
	return BERTH_OK;
}
