/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/key.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "pki/der.h"
#include "pki/keystore/private.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define SIGNATURE_MAX_BYTES 1024 /* RSA-4096 takes 512 */

struct berth_key {
	unsigned refs;
	struct berth_pki *pki;
	EVP_PKEY *public;  /* in the default provider; EC: NULL until somebody needs it */
	EVP_PKEY *private; /* NULL: a public key */
	const struct berth_key_kind *kind;
	uint8_t id[BERTH_KEY_ID_BYTES];
	size_t spki_n;
	uint8_t spki[];
};

/*
 * Elliptic curves: named and uncompressed only (RFC 5480 2.1.1, 2.2), so that the beginning of the
 * structure is a constant and one key has one encoding.
 */
/* As BERTH_LIT, which is no constant expression. */
#define LITERAL(s)                                                                                 \
	{                                                                                          \
		(const uint8_t *)(s), sizeof(s) - 1                                                \
	}

static const struct berth_key_kind kinds[] = {
	{"P-256", "prime256v1", "SHA256", 256, NID_ecdsa_with_SHA256,
	 LITERAL("\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d"
		 "\x03\x01\x07\x03\x42\x00\x04"),
	 65},
	{"P-384", "secp384r1", "SHA384", 384, NID_ecdsa_with_SHA384,
	 LITERAL("\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22"
		 "\x03\x62\x00\x04"),
	 97},
	{"P-521", "secp521r1", "SHA512", 521, NID_ecdsa_with_SHA512,
	 LITERAL("\x30\x81\x9b\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00"
		 "\x23\x03\x81\x86\x00\x04"),
	 133},
	{"RSA-2048", NULL, "SHA256", 2048, NID_sha256WithRSAEncryption, {NULL, 0}, 0},
	{"RSA-3072", NULL, "SHA256", 3072, NID_sha256WithRSAEncryption, {NULL, 0}, 0},
	{"RSA-4096", NULL, "SHA256", 4096, NID_sha256WithRSAEncryption, {NULL, 0}, 0},
};

/* SEQUENCE { SEQUENCE { rsaEncryption, NULL } ... (RFC 3279 2.3.1) */
#define RSA_ALGORITHM "\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"

const struct berth_key_kind *
berth_key_kind_named(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kinds[i].name, name) == 0)
			return &kinds[i];
	}
	return NULL;
}

static bool
has_prefix(struct berth_bytes b, struct berth_bytes prefix)
{
	return b.n >= prefix.n && memcmp(b.p, prefix.p, prefix.n) == 0;
}

/* RSA's modulus decides: SEQUENCE { algorithm, BIT STRING { SEQUENCE { modulus, exponent } } }. */
static const struct berth_key_kind *
rsa_kind(struct berth_bytes spki)
{
	struct berth_bytes body, algorithm, bits, numbers, modulus, exponent;

	if (!berth_der_take(&spki, BERTH_DER_SEQUENCE, &body) ||
	    !has_prefix(body, BERTH_LIT(RSA_ALGORITHM)) ||
	    !berth_der_take(&body, BERTH_DER_SEQUENCE, &algorithm) ||
	    !berth_der_take(&body, BERTH_DER_BIT_STRING, &bits) || bits.n == 0 || bits.p[0] != 0)
		return NULL;
	bits = berth_bytes_of(bits.p + 1, bits.n - 1);
	if (!berth_der_take(&bits, BERTH_DER_SEQUENCE, &numbers) || bits.n > 0 ||
	    !berth_der_take(&numbers, BERTH_DER_INTEGER, &modulus) ||
	    !berth_der_take(&numbers, BERTH_DER_INTEGER, &exponent) || numbers.n > 0)
		return NULL;
	/* a positive number of that many bits begins with a zero octet and then a set top bit */
	if (modulus.n < 2 || modulus.p[0] != 0 || modulus.p[1] < 0x80)
		return NULL;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].group == NULL && (size_t)kinds[i].bits == 8 * (modulus.n - 1))
			return &kinds[i];
	}
	return NULL;
}

const struct berth_key_kind *
berth_key_kind_of_spki(struct berth_bytes spki)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kinds[i].group != NULL &&
		    spki.n == kinds[i].prefix.n + kinds[i].point_bytes - 1 &&
		    has_prefix(spki, kinds[i].prefix))
			return &kinds[i];
	}
	return rsa_kind(spki);
}

/* RFC 5280 4.2.1.2 (1): SHA-1 of the BIT STRING without tag, length and unused bits. */
static bool
compute_id(struct berth_key *key)
{
	struct berth_bytes spki = berth_key_spki(key);
	struct berth_bytes body, algorithm, bits;

	return berth_der_take(&spki, BERTH_DER_SEQUENCE, &body) &&
	       berth_der_take(&body, BERTH_DER_SEQUENCE, &algorithm) &&
	       berth_der_take(&body, BERTH_DER_BIT_STRING, &bits) && bits.n > 1 &&
	       EVP_Digest(bits.p + 1, bits.n - 1, key->id, NULL, key->pki->sha1, NULL);
}

enum berth_err
berth_key_make(struct berth_pki *pki, EVP_PKEY *public, EVP_PKEY *private, struct berth_bytes spki,
	       struct berth_key **ret, struct berth_why *why)
{
	const struct berth_key_kind *kind = berth_key_kind_of_spki(spki);
	struct berth_key *key = kind == NULL ? NULL : calloc(1, sizeof(*key) + spki.n);

	if (key == NULL) {
		EVP_PKEY_free(public);
		EVP_PKEY_free(private);
		if (kind != NULL)
			return berth_fail(why, BERTH_E_MEMORY, "pki-key", NULL, "No memory.");
		return berth_fail(why, BERTH_E_UNSUPPORTED, "pki-key-kind", "RFC 5480 2.1.1",
				  "The public key is neither P-256, P-384 or P-521 (named curve, "
				  "uncompressed point) nor RSA of 2048, 3072 or 4096 bits.");
	}
	key->refs = 1;
	key->pki = pki;
	key->public = public;
	key->private = private;
	key->kind = kind;
	key->spki_n = spki.n;
	memcpy(key->spki, spki.p, spki.n);
	if (!compute_id(key)) {
		berth_key_free(key);
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-key", NULL,
				       "The key id cannot be computed");
	}
	*ret = key;
	return BERTH_OK;
}

/*
 * The one key of that curve that verifies for all of them: its point is put in before each use. A key made for each
 * certificate would copy the curve each time. NULL: the point is not on the curve.
 */
static EVP_PKEY *
curve_with(struct berth_pki *pki, const struct berth_key_kind *kind, struct berth_bytes spki)
{
	struct berth_curve *curve = &pki->curves[kind - kinds];
	const uint8_t *point = spki.p + spki.n - kind->point_bytes;
	const uint8_t *p = spki.p;

	if (curve->key == NULL)
		curve->key = d2i_PUBKEY_ex(NULL, &p, (long)spki.n, pki->libctx, NULL);
	else if (memcmp(curve->point, point, kind->point_bytes) == 0)
		return curve->key;
	memset(curve->point, 0, sizeof(curve->point));
	if (curve->key == NULL ||
	    EVP_PKEY_set1_encoded_public_key(curve->key, point, kind->point_bytes) != 1)
		return NULL;
	memcpy(curve->point, point, kind->point_bytes);
	return curve->key;
}

static EVP_PKEY *
read_public(struct berth_pki *pki, struct berth_bytes spki)
{
	const uint8_t *p = spki.p;

	return d2i_PUBKEY_ex(NULL, &p, (long)spki.n, pki->libctx, NULL);
}

enum berth_err
berth_key_of_spki(struct berth_pki *pki, struct berth_bytes spki, struct berth_key **ret,
		  struct berth_why *why)
{
	const struct berth_key_kind *kind = berth_key_kind_of_spki(spki);
	EVP_PKEY *public = NULL;
	bool is_key = false;

	if (kind != NULL && kind->group != NULL)
		is_key = curve_with(pki, kind, spki) != NULL;
	else if (spki.n <= BERTH_SPKI_MAX_BYTES)
		is_key = (public = read_public(pki, spki)) != NULL;
	if (!is_key)
		return berth_ossl_fail(why, BERTH_E_UNSUPPORTED, "pki-key-kind", "RFC 5280 4.1.2.7",
				       "The public key cannot be read");
	return berth_key_make(pki, public, NULL, spki, ret, why);
}

enum berth_err
berth_key_parse_spki(struct berth_pki *pki, struct berth_bytes der, struct berth_key **ret,
		     struct berth_why *why)
{
	if (der.n > BERTH_SPKI_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "pki-spki-size", NULL,
				  "The public key has %zu bytes; %d are allowed.", der.n,
				  BERTH_SPKI_MAX_BYTES);
	enum berth_err err = berth_der_check(der, "pki-spki-der", why);
	if (err)
		return err;
	const uint8_t *p = der.p;
	EVP_PKEY *public = d2i_PUBKEY_ex(NULL, &p, (long)der.n, pki->libctx, NULL);
	if (public == NULL || p != der.p + der.n) {
		EVP_PKEY_free(public);
		return berth_ossl_fail(why, BERTH_E_SYNTAX, "pki-spki", "RFC 5280 4.1.2.7",
				       "The public key cannot be read");
	}
	return berth_key_make(pki, public, NULL, der, ret, why);
}

struct berth_key *
berth_key_ref(struct berth_key *key)
{
	if (key != NULL)
		key->refs++;
	return key;
}

void
berth_key_free(struct berth_key *key)
{
	if (key == NULL || --key->refs > 0)
		return;
	EVP_PKEY_free(key->public);
	EVP_PKEY_free(key->private);
	free(key);
}

void
berth_key_freep(struct berth_key **key)
{
	berth_key_free(*key);
}

EVP_PKEY *
berth_key_pkey(const struct berth_key *key)
{
	return key->private != NULL ? key->private : berth_key_public(key);
}

EVP_PKEY *
berth_key_public(const struct berth_key *key)
{
	/* What is kept here says nothing new of the key. */
	struct berth_key *keeper = (struct berth_key *)(uintptr_t)key;

	if (key->public == NULL)
		keeper->public = read_public(key->pki, berth_key_spki(key));
	return key->public;
}

bool
berth_key_put(const struct berth_key *key, X509_PUBKEY *slot)
{
	const bool is_ec = key->kind->group != NULL;
	struct berth_bytes spki = berth_key_spki(key);
	struct berth_bytes body, algorithm, bits;

	if (!berth_der_take(&spki, BERTH_DER_SEQUENCE, &body) ||
	    !berth_der_take(&body, BERTH_DER_SEQUENCE, &algorithm) ||
	    !berth_der_take(&body, BERTH_DER_BIT_STRING, &bits) || bits.n < 2)
		return false;
	unsigned char *copy = OPENSSL_memdup(bits.p + 1, bits.n - 1);
	if (copy != NULL &&
	    X509_PUBKEY_set0_param(
		    slot, OBJ_nid2obj(is_ec ? NID_X9_62_id_ecPublicKey : NID_rsaEncryption),
		    is_ec ? V_ASN1_OBJECT : V_ASN1_NULL,
		    is_ec ? OBJ_nid2obj(OBJ_txt2nid(key->kind->group)) : NULL, copy,
		    (int)bits.n - 1) == 1)
		return true;
	OPENSSL_free(copy);
	return false;
}

struct berth_bytes
berth_key_spki(const struct berth_key *key)
{
	return berth_bytes_of(key->spki, key->spki_n);
}

bool
berth_key_equal(const struct berth_key *a, const struct berth_key *b)
{
	return berth_bytes_equal(berth_key_spki(a), berth_key_spki(b));
}

bool
berth_key_has_private(const struct berth_key *key)
{
	return key->private != NULL;
}

void
berth_key_id(const struct berth_key *key, uint8_t id[BERTH_KEY_ID_BYTES])
{
	memcpy(id, key->id, BERTH_KEY_ID_BYTES);
}

const char *
berth_key_kind(const struct berth_key *key)
{
	return key->kind->name;
}

const struct berth_key_kind *
berth_key_kind_of(const struct berth_key *key)
{
	return key->kind;
}

enum berth_err
berth_key_sign(struct berth_key *key, struct berth_bytes message, struct berth_buf *signature,
	       struct berth_why *why)
{
	uint8_t bytes[SIGNATURE_MAX_BYTES];
	size_t n = sizeof(bytes);

	if (key->private == NULL)
		return berth_fail(why, BERTH_E_USAGE, "pki-sign", NULL,
				  "A public key cannot sign: load the private key by its URI.");
	BERTH_OSSL(EVP_MD_CTX) *context = EVP_MD_CTX_new();
	if (context == NULL ||
	    EVP_DigestSignInit_ex(context, NULL, key->kind->digest, key->pki->libctx, NULL,
				  key->private, NULL) != 1 ||
	    EVP_DigestSign(context, bytes, &n, message.p, message.n) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-sign", NULL,
				       "The key's keystore did not sign");
	return berth_buf_append(signature, bytes, n);
}

enum berth_err
berth_key_derive(struct berth_key *key, struct berth_key *peer, struct berth_secret *secret,
		 struct berth_why *why)
{
	uint8_t bytes[66]; /* P-521 */
	size_t n = sizeof(bytes);

	if (key->private == NULL)
		return berth_fail(why, BERTH_E_USAGE, "pki-derive", NULL,
				  "A public key cannot agree on a secret: load the private key by "
				  "its URI.");
	if (key->kind != peer->kind || key->kind->group == NULL)
		return berth_fail(why, BERTH_E_MISMATCH, "pki-derive-curve",
				  "NIST SP 800-56A 5.5.2", "The two keys are of kinds %s and %s.",
				  key->kind->name, peer->kind->name);
	BERTH_OSSL(EVP_PKEY_CTX) *context =
		EVP_PKEY_CTX_new_from_pkey(key->pki->libctx, key->private, NULL);
	if (context == NULL || EVP_PKEY_derive_init(context) != 1)
		return berth_ossl_fail(why, BERTH_E_UNSUPPORTED, "pki-derive", NULL,
				       "The key's keystore has no ECDH for it");
	if (EVP_PKEY_derive_set_peer_ex(context, berth_key_public(peer), 1) != 1 ||
	    EVP_PKEY_derive(context, bytes, &n) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-derive", NULL,
				       "The key's keystore did not agree on a secret");
	enum berth_err err = berth_secret_copy(secret, berth_bytes_of(bytes, n));
	berth_wipe(bytes, sizeof(bytes));
	return err;
}

enum berth_err
berth_key_multiply(struct berth_key *key, struct berth_bytes point, struct berth_secret *product,
		   struct berth_why *why)
{
	uint8_t bytes[2 * 66];
	size_t n = sizeof(bytes);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(BERTH_EXCHANGE_POINT, (void *)(uintptr_t)point.p,
						  point.n),
		OSSL_PARAM_construct_end(),
	};
	BERTH_OSSL(EVP_PKEY_CTX) *context =
		key->private == NULL
			? NULL
			: EVP_PKEY_CTX_new_from_pkey(key->pki->libctx, key->private, NULL);

	if (context == NULL || EVP_PKEY_derive_init(context) != 1 ||
	    EVP_PKEY_CTX_set_params(context, params) != 1) {
		ERR_clear_error();
		return BERTH_E_UNSUPPORTED;
	}
	if (EVP_PKEY_derive(context, bytes, &n) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-derive", NULL,
				       "The key's keystore did not multiply a point");
	enum berth_err err = berth_secret_copy(product, berth_bytes_of(bytes, n));
	berth_wipe(bytes, sizeof(bytes));
	return err;
}

#define CANNOT_VERIFY 2 /* beside OpenSSL's own 1, 0 and negative */

static int
verify_on_curve(struct berth_key *key, const char *digest, struct berth_bytes message,
		struct berth_bytes signature)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	EVP_PKEY *public = curve_with(key->pki, key->kind, berth_key_spki(key));
	const EVP_MD *md = berth_pki_digest(key->pki, digest);

	/* made after the point was put in, and never kept beyond it */
	BERTH_OSSL(EVP_PKEY_CTX) *context =
		public == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(key->pki->libctx, public, NULL);
	if (context == NULL || md == NULL || EVP_PKEY_verify_init(context) != 1 ||
	    EVP_Digest(message.p, message.n, sum, &n, md, NULL) != 1)
		return CANNOT_VERIFY;
	return EVP_PKEY_verify(context, signature.p, signature.n, sum, n);
}

static int
verify_rsa(struct berth_key *key, const char *digest, struct berth_bytes message,
	   struct berth_bytes signature)
{
	BERTH_OSSL(EVP_MD_CTX) *context = EVP_MD_CTX_new();

	if (context == NULL || EVP_DigestVerifyInit_ex(context, NULL, digest, key->pki->libctx,
						       NULL, berth_key_public(key), NULL) != 1)
		return CANNOT_VERIFY;
	return EVP_DigestVerify(context, signature.p, signature.n, message.p, message.n);
}

enum berth_err
berth_key_verify_with(struct berth_key *key, const char *digest, struct berth_bytes message,
		      struct berth_bytes signature, struct berth_why *why)
{
	const struct berth_bytes parts[] = {BERTH_LIT("signature"), berth_key_spki(key),
					    berth_text(digest), message, signature};
	struct berth_proof proof;
	enum berth_err err =
		berth_proof_of(key->pki, parts, sizeof(parts) / sizeof(parts[0]), &proof);
	if (err)
		return berth_ossl_fail(why, err, "pki-verify", NULL,
				       "The signature cannot be checked");
	if (berth_proof_is_known(key->pki, &proof))
		return BERTH_OK;
	int verdict = key->kind->group != NULL ? verify_on_curve(key, digest, message, signature)
					       : verify_rsa(key, digest, message, signature);
	if (verdict == CANNOT_VERIFY)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "pki-verify", NULL,
				       "The signature cannot be checked");
	/* 0: it does not hold; negative: it is not even a signature. Both mean the same to the caller. */
	if (verdict != 1) {
		ERR_clear_error();
		return berth_fail(why, BERTH_E_SIGNATURE, "pki-signature", NULL,
				  "The signature was not made with this %s key over this message.",
				  key->kind->name);
	}
	berth_proof_keep(key->pki, &proof);
	return BERTH_OK;
}

enum berth_err
berth_key_verify(struct berth_key *key, struct berth_bytes message, struct berth_bytes signature,
		 struct berth_why *why)
{
	return berth_key_verify_with(key, key->kind->digest, message, signature, why);
}
