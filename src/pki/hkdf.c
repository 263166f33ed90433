/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/hkdf.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "pki/library.h"

#define BLOCK_MAX 128 /* of SHA-384 and SHA-512 */
#define PARTS_MAX 8

static EVP_MD *
hash_of(struct berth_pki *pki, size_t hash_bytes)
{
	switch (hash_bytes) {
	case 32:
		return pki->sha256;
	case 48:
		return pki->sha384;
	case 64:
		return pki->sha512;
	default: /* a length is no enumeration */
		return NULL;
	}
}

enum berth_err
berth_hash(struct berth_pki *pki, size_t hash_bytes, const struct berth_bytes *parts, size_t n,
	   uint8_t ret[BERTH_HASH_MAX])
{
	EVP_MD *md = hash_of(pki, hash_bytes);
	EVP_MD_CTX *context = md == NULL ? NULL : EVP_MD_CTX_new();
	bool is_done = context != NULL && EVP_DigestInit_ex(context, md, NULL) == 1;

	for (size_t i = 0; is_done && i < n; i++)
		is_done = EVP_DigestUpdate(context, parts[i].p, parts[i].n) == 1;
	is_done = is_done && EVP_DigestFinal_ex(context, ret, NULL) == 1;
	EVP_MD_CTX_free(context);
	return is_done ? BERTH_OK : BERTH_E_CRYPTO;
}

/* RFC 2104 2, on the digests that are fetched already: OpenSSL's own HMAC takes as long to set up as to compute. */
enum berth_err
berth_hmac(struct berth_pki *pki, size_t hash_bytes, struct berth_bytes key,
	   const struct berth_bytes *parts, size_t n, uint8_t ret[BERTH_HASH_MAX])
{
	size_t block = hash_bytes == 32 ? 64 : BLOCK_MAX;
	uint8_t pad[BLOCK_MAX] = {0};
	uint8_t inner[BERTH_HASH_MAX];
	struct berth_bytes all[PARTS_MAX + 1];
	enum berth_err err = BERTH_OK;

	if (n > PARTS_MAX || hash_of(pki, hash_bytes) == NULL)
		return BERTH_E_INTERNAL;
	if (key.n > block)
		err = berth_hash(pki, hash_bytes, &key, 1, pad);
	else if (key.n > 0)
		memcpy(pad, key.p, key.n);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36;
	all[0] = berth_bytes_of(pad, block);
	for (size_t i = 0; i < n; i++)
		all[i + 1] = parts[i];
	err = err ? err : berth_hash(pki, hash_bytes, all, n + 1, inner);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	all[1] = berth_bytes_of(inner, hash_bytes);
	err = err ? err : berth_hash(pki, hash_bytes, all, 2, ret);
	berth_wipe(pad, sizeof(pad));
	berth_wipe(inner, sizeof(inner));
	return err;
}

enum berth_err
berth_hkdf_extract(struct berth_pki *pki, size_t hash_bytes, struct berth_bytes salt,
		   const struct berth_bytes *secret_parts, size_t n, struct berth_secret *ret)
{
	uint8_t key[BERTH_HASH_MAX];
	/* an empty key is padded with zeros by HMAC itself, which is the same */
	enum berth_err err = berth_hmac(pki, hash_bytes, salt, secret_parts, n, key);

	err = err ? err : berth_secret_copy(ret, berth_bytes_of(key, hash_bytes));
	berth_wipe(key, sizeof(key));
	return err;
}

enum berth_err
berth_hkdf_expand(struct berth_pki *pki, size_t hash_bytes, const struct berth_secret *key,
		  struct berth_bytes info, size_t bytes, struct berth_secret *ret)
{
	uint8_t block[BERTH_HASH_MAX];
	uint8_t out[4 * BERTH_HASH_MAX];
	size_t done = 0;
	enum berth_err err = BERTH_OK;

	if (bytes > sizeof(out) || bytes == 0)
		return BERTH_E_INTERNAL;
	for (uint8_t number = 1; !err && done < bytes; number++) {
		const struct berth_bytes parts[] = {
			berth_bytes_of(block, number == 1 ? 0 : hash_bytes),
			info,
			berth_bytes_of(&number, 1),
		};
		err = berth_hmac(pki, hash_bytes, berth_bytes_of(key->p, key->n), parts, 3, block);
		size_t n = bytes - done < hash_bytes ? bytes - done : hash_bytes;
		if (!err)
			memcpy(out + done, block, n);
		done += n;
	}
	err = err ? err : berth_secret_copy(ret, berth_bytes_of(out, bytes));
	berth_wipe(block, sizeof(block));
	berth_wipe(out, sizeof(out));
	return err;
}

enum berth_err
berth_hkdf(struct berth_pki *pki, size_t hash_bytes, struct berth_bytes secret,
	   struct berth_bytes info, struct berth_secret *ret)
{
	BERTH_SECRET key = {0};
	enum berth_err err =
		berth_hkdf_extract(pki, hash_bytes, BERTH_BYTES_NONE, &secret, 1, &key);

	return err ? err : berth_hkdf_expand(pki, hash_bytes, &key, info, hash_bytes, ret);
}

static bool
derive(EVP_KDF_CTX *context, EVP_MD *md, const struct berth_secret *password,
       struct berth_bytes salt, unsigned iterations, uint8_t *out, size_t n)
{
	char name[32]; /* OpenSSL's parameters are never const */

	(void)snprintf(name, sizeof(name), "%s", EVP_MD_get0_name(md));
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, password->p,
						  password->n),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)(uintptr_t)salt.p,
						  salt.n),
		OSSL_PARAM_construct_uint(OSSL_KDF_PARAM_ITER, &iterations),
		OSSL_PARAM_construct_end(),
	};
	return EVP_KDF_derive(context, out, n, params) == 1;
}

enum berth_err
berth_pbkdf2(struct berth_pki *pki, size_t hash_bytes, const struct berth_secret *password,
	     struct berth_bytes salt, unsigned iterations, struct berth_secret *ret)
{
	EVP_MD *md = hash_of(pki, hash_bytes);
	uint8_t key[BERTH_HASH_MAX];

	if (md == NULL)
		return BERTH_E_INTERNAL;
	EVP_KDF *kdf = EVP_KDF_fetch(pki->libctx, "PBKDF2", NULL);
	EVP_KDF_CTX *context = kdf == NULL ? NULL : EVP_KDF_CTX_new(kdf);
	bool is_done =
		context != NULL && derive(context, md, password, salt, iterations, key, hash_bytes);
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	enum berth_err err =
		is_done ? berth_secret_copy(ret, berth_bytes_of(key, hash_bytes)) : BERTH_E_CRYPTO;
	berth_wipe(key, sizeof(key));
	return err;
}
