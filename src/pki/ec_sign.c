/* SPDX-License-Identifier: BSD-2-Clause */
/* ECDSA with the signature as JWS has it (RFC 7518 3.4). */
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/objects.h>

#include "pki/ec.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define DER_MAX 160 /* of two coordinates of P-521 */

#define GROUP_NAME_MAX 16

static const char groups[BERTH_EC__COUNT][GROUP_NAME_MAX] = {
	[BERTH_EC_P256] = "prime256v1",	      [BERTH_EC_P384] = "secp384r1",
	[BERTH_EC_P521] = "secp521r1",	      [BERTH_EC_BP256] = "brainpoolP256r1",
	[BERTH_EC_BP384] = "brainpoolP384r1", [BERTH_EC_BP512] = "brainpoolP512r1",
};

static EVP_PKEY *
pkey_of(struct berth_pki *pki, const struct berth_ec_point *point)
{
	BERTH_OSSL(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_name(pki->libctx, "EC", NULL);
	uint8_t octets[1 + 2 * BERTH_EC_COORDINATE_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
	struct berth_bytes xy = berth_ec_xy(point);
	char group[GROUP_NAME_MAX]; /* OpenSSL's parameters are never const */
	EVP_PKEY *key = NULL;

	memcpy(group, groups[point->curve], sizeof(group));
	memcpy(octets + 1, xy.p, xy.n);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, 1 + xy.n),
		OSSL_PARAM_construct_end(),
	};
	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		return NULL;
	return key;
}

static EVP_MD *
digest_of(struct berth_pki *pki, enum berth_ec_curve curve)
{
	size_t n = berth_ec_facts(curve)->hash_bytes;

	return n == 32 ? pki->sha256 : n == 48 ? pki->sha384 : pki->sha512;
}

/* r | s to DER; the number of octets, 0: it is no signature. */
static size_t
to_der(struct berth_bytes rs, size_t coordinate, uint8_t der[DER_MAX])
{
	BERTH_OSSL(ECDSA_SIG) *signature = ECDSA_SIG_new();

	if (signature == NULL || rs.n != 2 * coordinate)
		return 0;
	BIGNUM *r = BN_bin2bn(rs.p, (int)coordinate, NULL);
	BIGNUM *s = BN_bin2bn(rs.p + coordinate, (int)coordinate, NULL);
	if (r == NULL || s == NULL || ECDSA_SIG_set0(signature, r, s) != 1) {
		BN_free(r);
		BN_free(s);
		return 0;
	}
	int n = i2d_ECDSA_SIG(signature, NULL);
	if (n <= 0 || n > DER_MAX)
		return 0;
	uint8_t *at = der;
	n = i2d_ECDSA_SIG(signature, &at);
	return n <= 0 ? 0 : (size_t)n;
}

enum berth_err
berth_ec_verify(struct berth_pki *pki, const struct berth_ec_point *key, struct berth_bytes message,
		struct berth_bytes rs, struct berth_why *why)
{
	uint8_t der[DER_MAX];
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned sum_n = 0;
	size_t n = to_der(rs, berth_ec_facts(key->curve)->coordinate_bytes, der);
	BERTH_OSSL(EVP_PKEY) *public = pkey_of(pki, key);
	BERTH_OSSL(EVP_PKEY_CTX) *context =
		public == NULL ? NULL : EVP_PKEY_CTX_new_from_pkey(pki->libctx, public, NULL);

	if (context == NULL || EVP_PKEY_verify_init(context) != 1 ||
	    EVP_Digest(message.p, message.n, sum, &sum_n, digest_of(pki, key->curve), NULL) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "ec-verify", NULL,
				       "The signature cannot be checked");
	if (n > 0 && EVP_PKEY_verify(context, der, n, sum, sum_n) == 1)
		return BERTH_OK;
	ERR_clear_error();
	return berth_fail(why, BERTH_E_SIGNATURE, "ec-signature", "RFC 7518 3.4",
			  "The signature was not made with this %s key over this text.",
			  berth_ec_facts(key->curve)->name);
}

enum berth_err
berth_ec_of_key(struct berth_pki *pki, const struct berth_key *key, struct berth_ec_point *ret,
		struct berth_why *why)
{
	enum berth_ec_curve curve;

	if (!berth_ec_curve_named(berth_text(berth_key_kind(key)), &curve))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "ec-key", NULL,
				  "A %s key is on no curve that DPP knows.", berth_key_kind(key));
	return berth_ec_parse_spki(pki, berth_key_spki(key), ret, why);
}

enum berth_err
berth_ec_sign(struct berth_key *key, struct berth_bytes message, struct berth_buf *rs,
	      struct berth_why *why)
{
	BERTH_BUF der = {0};
	uint8_t raw[2 * BERTH_EC_COORDINATE_MAX];
	enum berth_ec_curve curve;

	if (!berth_ec_curve_named(berth_text(berth_key_kind(key)), &curve))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "ec-key", NULL,
				  "A %s key makes no signature of JWS's kinds.",
				  berth_key_kind(key));
	enum berth_err err = berth_key_sign(key, message, &der, why);
	if (err)
		return err;
	const uint8_t *at = der.p;
	int n = berth_ec_facts(curve)->coordinate_bytes;
	BERTH_OSSL(ECDSA_SIG) *signature = d2i_ECDSA_SIG(NULL, &at, (long)der.n);
	if (signature == NULL || BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, n) != n ||
	    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + n, n) != n)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "ec-sign", NULL,
				       "What the key signed is no ECDSA signature");
	return berth_buf_append(rs, raw, 2 * (size_t)n);
}
