/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/pki.h"

#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "pki/decoder_provider.h"
#include "pki/keystore/pkcs11.h"
#include "pki/keystore/provider.h"
#include "pki/library.h"
#include "pki/siv.h"

#define OPENSSL_OLDEST 0x300000a0UL /* 3.0.10: before it AES-SIV drops empty AD (CVE-2023-2975) */

static enum berth_err
load_providers(struct berth_pki *pki, struct berth_why *why)
{
	enum berth_err err = berth_narrow_provider_load(pki->libctx, &pki->narrow, why);
	if (err)
		return err;
	err = berth_digests_provider_load(pki->keyless, &pki->digests, why);
	if (err)
		return err;
	err = berth_keystore_provider_load(pki->libctx, &pki->keystore, why);
	if (err)
		return err;
	/* The keystore also offers "EC" and "ECDSA": it is only ever meant when it is named. */
	if (!EVP_set_default_properties(pki->libctx, "?provider=default"))
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-open", NULL,
				       "The default properties cannot be set");
	return BERTH_OK;
}

static enum berth_err
fetch_digests(struct berth_pki *pki, struct berth_why *why)
{
	pki->sha1 = EVP_MD_fetch(pki->libctx, "SHA1", NULL);
	pki->sha256 = EVP_MD_fetch(pki->libctx, "SHA256", NULL);
	pki->sha384 = EVP_MD_fetch(pki->libctx, "SHA384", NULL);
	pki->sha512 = EVP_MD_fetch(pki->libctx, "SHA512", NULL);
	if (pki->sha1 == NULL || pki->sha256 == NULL || pki->sha384 == NULL || pki->sha512 == NULL)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-open", NULL,
				       "The digests cannot be fetched");
	return BERTH_OK;
}

enum berth_err
berth_pki_open(struct berth_pki **ret, struct berth_why *why)
{
	if (OpenSSL_version_num() < OPENSSL_OLDEST)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "pki-openssl-version", "CVE-2023-2975",
				  "%s is too old: install OpenSSL 3.0.10 or newer.",
				  OpenSSL_version(OPENSSL_VERSION));
	struct berth_pki *pki = calloc(1, sizeof(*pki));
	if (pki == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "pki-open", NULL, "No memory.");
	pki->libctx = OSSL_LIB_CTX_new();
	pki->keyless = OSSL_LIB_CTX_new();
	enum berth_err err = BERTH_E_MEMORY;
	if (pki->libctx != NULL && pki->keyless != NULL)
		err = load_providers(pki, why);
	if (!err)
		err = fetch_digests(pki, why);
	err = err ? err : berth_siv_self_test(pki, why);
	if (err) {
		berth_pki_close(pki);
		return err;
	}
	*ret = pki;
	return BERTH_OK;
}

void
berth_pki_close(struct berth_pki *pki)
{
	if (pki == NULL)
		return;
	for (size_t i = 0; i < BERTH_CERTS_KEPT; i++)
		berth_cert_free(pki->certs[i]);
	for (size_t i = 0; i < BERTH_PATHS_KEPT; i++)
		berth_path_forget(&pki->paths[i]);
	for (size_t i = 0; i < BERTH_CURVES; i++)
		EVP_PKEY_free(pki->curves[i].key);
	for (size_t i = 0; i < BERTH_GROUPS; i++)
		EC_GROUP_free(pki->groups[i]);
	for (size_t i = 0; i < BERTH_SIVS; i++)
		EVP_CIPHER_free(pki->siv[i]);
	berth_p11_close(pki);
	EVP_MD_free(pki->sha1);
	EVP_MD_free(pki->sha256);
	EVP_MD_free(pki->sha384);
	EVP_MD_free(pki->sha512);
	if (pki->keystore != NULL)
		OSSL_PROVIDER_unload(pki->keystore);
	if (pki->narrow != NULL)
		OSSL_PROVIDER_unload(pki->narrow);
	if (pki->digests != NULL)
		OSSL_PROVIDER_unload(pki->digests);
	OSSL_LIB_CTX_free(pki->keyless);
	OSSL_LIB_CTX_free(pki->libctx);
	free(pki);
}

void
berth_pki_closep(struct berth_pki **pki)
{
	berth_pki_close(*pki);
}

OSSL_LIB_CTX *
berth_pki_libctx(struct berth_pki *pki)
{
	return pki->libctx;
}

EVP_MD *
berth_pki_digest(struct berth_pki *pki, const char *name)
{
	const struct {
		const char *name;
		EVP_MD *md;
	} known[] = {
		{"SHA256", pki->sha256},   {"SHA2-256", pki->sha256}, {"SHA384", pki->sha384},
		{"SHA2-384", pki->sha384}, {"SHA512", pki->sha512},   {"SHA2-512", pki->sha512},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (OPENSSL_strcasecmp(name, known[i].name) == 0)
			return known[i].md;
	}
	return NULL;
}

enum berth_err
berth_sha256(struct berth_pki *pki, struct berth_bytes in, uint8_t digest[BERTH_SHA256_BYTES])
{
	if (!EVP_Digest(in.p, in.n, digest, NULL, pki->sha256, NULL))
		return BERTH_E_CRYPTO;
	return BERTH_OK;
}

static void
fill_random(void *context, uint8_t *out, size_t n)
{
	struct berth_pki *pki = context;

	/* The contract of berth_random: a source that cannot deliver ends the process. */
	if (RAND_bytes_ex(pki->libctx, out, n, 0) != 1)
		abort();
}

struct berth_random
berth_pki_random(struct berth_pki *pki)
{
	return (struct berth_random){fill_random, pki};
}

enum berth_err
berth_ossl_fail(struct berth_why *why, enum berth_err err, const char *rule, const char *section,
		const char *what)
{
	const char *data = NULL;
	int flags = 0;
	unsigned long code = ERR_peek_last_error_data(&data, &flags);
	const char *reason = code == 0 ? NULL : ERR_reason_error_string(code);

	/* our own provider says what happened in the text */
	if (code != 0 && (flags & ERR_TXT_STRING) != 0 && data[0] != '\0')
		reason = data;
	err = berth_fail(why, err, rule, section, "%s%s%s.", what, reason == NULL ? "" : ": ",
			 reason == NULL ? "" : reason);
	ERR_clear_error();
	return err;
}
