/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys in files: PKCS#8 PEM, unencrypted. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/secret.h"
#include "pki/ec.h"
#include "pki/keystore/key_file.h"
#include "pki/keystore/pkcs8.h"
#include "pki/keystore/private.h"
#include "pki/ossl_annot.h"

/* state: what signs with the key, made once; it holds the key. EVP_DigestSign would make, copy and free one for each message. */
static EVP_PKEY_CTX *
signing_of(struct berth_pki *pki, EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *signing = EVP_PKEY_CTX_new_from_pkey(pki->libctx, pkey, NULL);

	if (signing != NULL && EVP_PKEY_sign_init(signing) == 1)
		return signing;
	EVP_PKEY_CTX_free(signing);
	return NULL;
}

static enum berth_err
file_sign(struct berth_private *private, const char *digest, struct berth_bytes message,
	  struct berth_buf *signature, struct berth_why *why)
{
	uint8_t bytes[256]; /* P-521 takes 139 */
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned sum_n = 0;
	size_t n = sizeof(bytes);
	const EVP_MD *md = berth_pki_digest(private->pki, digest);

	if (md == NULL || EVP_Digest(message.p, message.n, sum, &sum_n, md, NULL) != 1 ||
	    EVP_PKEY_sign(private->state, bytes, &n, sum, sum_n) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-file", NULL,
				       "The key cannot sign");
	return berth_buf_append(signature, bytes, n);
}

static void
file_end(struct berth_private *private)
{
	EVP_PKEY_CTX_free(private->state);
}

static enum berth_err
file_derive(struct berth_private *private, struct berth_bytes point, struct berth_secret *secret,
	    struct berth_why *why)
{
	struct berth_pki *pki = private->pki;
	uint8_t spki[BERTH_EC_SPKI_MAX];
	uint8_t bytes[66];
	const uint8_t *p = spki;
	size_t n = sizeof(bytes);
	const struct berth_bytes prefix = private->kind->prefix;

	memcpy(spki, prefix.p, prefix.n);
	memcpy(spki + prefix.n, point.p + 1, point.n - 1);
	BERTH_OSSL(EVP_PKEY) *peer =
		d2i_PUBKEY_ex(NULL, &p, (long)(prefix.n + point.n - 1), pki->libctx, NULL);
	BERTH_OSSL(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_pkey(
		pki->libctx, EVP_PKEY_CTX_get0_pkey(private->state), NULL);
	if (peer == NULL || context == NULL || EVP_PKEY_derive_init(context) != 1 ||
	    EVP_PKEY_derive_set_peer(context, peer) != 1 ||
	    EVP_PKEY_derive(context, bytes, &n) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-file", NULL,
				       "The key cannot agree on a secret");
	enum berth_err err = berth_secret_copy(secret, berth_bytes_of(bytes, n));
	berth_wipe(bytes, sizeof(bytes));
	return err;
}

static enum berth_err
file_multiply(struct berth_private *private, struct berth_bytes point, struct berth_secret *product,
	      struct berth_why *why)
{
	EVP_PKEY *pkey = EVP_PKEY_CTX_get0_pkey(private->state);
	struct berth_ec_point at, result;
	enum berth_ec_curve curve;
	BIGNUM *number = NULL;
	uint8_t octets[BERTH_EC_COORDINATE_MAX];
	BERTH_SECRET scalar = {0};

	if (!berth_ec_curve_named(berth_text(private->kind->name), &curve) ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &number) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-file", NULL,
				       "The key cannot be used");
	int n = berth_ec_facts(curve)->coordinate_bytes;
	bool fits = BN_bn2binpad(number, octets, n) == n;
	BN_clear_free(number);
	enum berth_err err = fits ? berth_secret_copy(&scalar, berth_bytes_of(octets, (size_t)n))
				  : BERTH_E_CRYPTO;
	berth_wipe(octets, sizeof(octets));
	err = err ? err
		  : berth_ec_point(private->pki, curve, berth_bytes_of(point.p + 1, point.n - 1),
				   &at, why);
	err = err ? err : berth_ec_multiply(private->pki, &scalar, &at, &result, why);
	err = err ? err : berth_secret_copy(product, berth_ec_xy(&result));
	berth_wipe(&result, sizeof(result));
	return err;
}

static const struct berth_private_ops file_ops = {file_sign, file_derive, file_end, file_multiply};

/* The one PRIVATE KEY block of the file, as a key of the default provider. */
static EVP_PKEY *
decode(struct berth_pki *pki, const struct berth_secret *text)
{
	char *name = NULL;
	char *header = NULL;
	unsigned char *der = NULL;
	long n = 0;
	EVP_PKEY *pkey = NULL;

	BERTH_OSSL_BIO *bio = BIO_new_mem_buf(text->p, (int)text->n);
	if (bio == NULL || PEM_read_bio(bio, &name, &header, &der, &n) != 1)
		return NULL;
	bool is_pkcs8 = strcmp(name, PEM_STRING_PKCS8INF) == 0 && header[0] == '\0';
	if (is_pkcs8)
		pkey = berth_pkcs8_read(pki->libctx, berth_bytes_of(der, (size_t)n));
	if (is_pkcs8 && pkey == NULL) {
		const unsigned char *p = der;
		BERTH_OSSL(PKCS8_PRIV_KEY_INFO) *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, n);
		if (info != NULL && p == der + n)
			pkey = EVP_PKCS82PKEY_ex(info, pki->libctx, NULL);
	}
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(der, (size_t)n);
	return pkey;
}

static enum berth_err
file_read(struct berth_pki *pki, const char *path, EVP_PKEY **ret, struct berth_why *why)
{
	BERTH_BUF bytes = {.limit = BERTH_KEY_FILE_MAX_BYTES};

	enum berth_err err = berth_key_file_read(path, &bytes, why);
	struct berth_secret text = {bytes.p, bytes.n};
	*ret = err ? NULL : decode(pki, &text);
	if (bytes.p != NULL)
		berth_wipe(bytes.p, bytes.n);
	if (!err && *ret == NULL)
		err = berth_ossl_fail(
			why, BERTH_E_SYNTAX, "keystore-file-format", "RFC 5958",
			"The key file is no unencrypted PKCS#8 PEM (BEGIN PRIVATE KEY)");
	return err;
}

/* The provider does elliptic curves only: an RSA key stays an ordinary key of the process. */
static enum berth_err
wrap_rsa(struct berth_pki *pki, EVP_PKEY *pkey, struct berth_bytes spki, struct berth_key **ret,
	 struct berth_why *why)
{
	const uint8_t *p = spki.p;

	EVP_PKEY *public = d2i_PUBKEY_ex(NULL, &p, (long)spki.n, pki->libctx, NULL);
	if (public == NULL) {
		EVP_PKEY_free(pkey);
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-file", NULL,
				       "The public part cannot be read");
	}
	return berth_key_make(pki, public, pkey, spki, ret, why);
}

/* The public part: for elliptic curves without OpenSSL's encoders, which are slow. */
static size_t
write_spki(EVP_PKEY *pkey, uint8_t spki[BERTH_SPKI_MAX_BYTES])
{
	static const char *const names[] = {"P-256", "P-384", "P-521"};
	uint8_t point[256];
	uint8_t *p = spki;
	size_t n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct berth_key_kind *kind = berth_key_kind_named(names[i]);
		if (EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point,
						    sizeof(point), &n) != 1 ||
		    EVP_PKEY_get_bits(pkey) != kind->bits || n != kind->point_bytes ||
		    point[0] != 0x04)
			continue;
		memcpy(spki, kind->prefix.p, kind->prefix.n);
		memcpy(spki + kind->prefix.n, point + 1, n - 1);
		return kind->prefix.n + n - 1;
	}
	int length = i2d_PUBKEY(pkey, NULL);
	if (length <= 0 || length > BERTH_SPKI_MAX_BYTES || i2d_PUBKEY(pkey, &p) != length)
		return 0;
	return (size_t)length;
}

/* Takes pkey over. */
static enum berth_err
wrap_pkey(struct berth_pki *pki, EVP_PKEY *pkey, struct berth_key **ret, struct berth_why *why)
{
	uint8_t bytes[BERTH_SPKI_MAX_BYTES];
	struct berth_private *private = NULL;

	struct berth_bytes spki = berth_bytes_of(bytes, write_spki(pkey, bytes));
	if (spki.n == 0) {
		EVP_PKEY_free(pkey);
		return berth_ossl_fail(why, BERTH_E_UNSUPPORTED, "keystore-kind", NULL,
				       "The key's public part cannot be written");
	}
	if (EVP_PKEY_is_a(pkey, "RSA"))
		return wrap_rsa(pki, pkey, spki, ret, why);
	EVP_PKEY_CTX *signing = signing_of(pki, pkey);
	EVP_PKEY_free(pkey); /* signing has it */
	if (signing == NULL)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-file", NULL,
				       "The key cannot sign");
	enum berth_err err = berth_private_make(pki, &file_ops, spki, signing, &private, why);
	if (err) {
		EVP_PKEY_CTX_free(signing);
		return err;
	}
	return berth_private_key(private, ret, why);
}

enum berth_err
berth_keystore_ephemeral(struct berth_pki *pki, const char *kind, struct berth_key **ret,
			 struct berth_why *why)
{
	const struct berth_key_kind *known = berth_key_kind_named(kind);

	if (known == NULL || known->group == NULL)
		return berth_fail(why, BERTH_E_USAGE, "keystore-kind", NULL,
				  "%.40s is no kind of key that can be made here.", kind);
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(pki->libctx, NULL, "EC", known->group);
	if (pkey == NULL)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-generate", NULL,
				       "The key cannot be generated");
	return wrap_pkey(pki, pkey, ret, why);
}

static enum berth_err
file_load(struct berth_pki *pki, const char *path, struct berth_key **ret, struct berth_why *why)
{
	EVP_PKEY *pkey = NULL;

	enum berth_err err = file_read(pki, path, &pkey, why);
	if (err)
		return err;
	return wrap_pkey(pki, pkey, ret, why);
}

static bool
write_pem(EVP_PKEY *pkey, BIO *bio)
{
	uint8_t der[BERTH_PKCS8_P256_BYTES];

	if (berth_pkcs8_write(pkey, der)) {
		bool is_written = PEM_write_bio(bio, PEM_STRING_PKCS8INF, "", der, sizeof(der)) > 0;
		berth_wipe(der, sizeof(der));
		return is_written;
	}
	BERTH_OSSL(PKCS8_PRIV_KEY_INFO) *info = EVP_PKEY2PKCS8(pkey);
	return info != NULL && PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1;
}

static enum berth_err
file_generate(struct berth_pki *pki, const char *path, const struct berth_key_kind *kind,
	      enum berth_key_use use, struct berth_why *why)
{
	BUF_MEM *text = NULL;

	(void)use; /* a file cannot hold its reader to it */
	enum berth_err err = berth_key_file_is_free(path, why);
	if (err)
		return err;
	BERTH_OSSL(EVP_PKEY) *pkey = EVP_PKEY_Q_keygen(pki->libctx, NULL, "EC", kind->group);
	BERTH_OSSL_BIO *bio = BIO_new(BIO_s_secmem());
	if (pkey == NULL || bio == NULL || !write_pem(pkey, bio))
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "keystore-generate", NULL,
				       "The key cannot be generated");
	(void)BIO_get_mem_ptr(bio, &text);
	const struct berth_bytes pem = berth_bytes_of(text->data, text->length);
	return pki->is_synced_later ? berth_key_file_write_unsynced(path, pem, why)
				    : berth_key_file_write(path, pem, why);
}

static enum berth_err
file_remove(struct berth_pki *pki, const char *path, struct berth_why *why)
{
	(void)pki;
	return berth_key_file_remove(path, why);
}

const struct berth_keystore_backend berth_keystore_file = {
	"file", BERTH_STORAGE_FILE, file_generate, file_load, file_remove,
};
