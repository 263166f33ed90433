/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/keystore/pkcs8.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "base/secret.h"
#include "pki/ossl_annot.h"

#define SCALAR_BYTES 32
#define POINT_BYTES 65

/* version, ecPublicKey with prime256v1; ECPrivateKey: version 1, privateKey */
static const uint8_t head[] = {0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06,
			       0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06,
			       0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
			       0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, SCALAR_BYTES};
/* [1] publicKey */
static const uint8_t middle[] = {0xa1, 0x44, 0x03, 0x42, 0x00};

_Static_assert(sizeof(head) + SCALAR_BYTES + sizeof(middle) + POINT_BYTES == BERTH_PKCS8_P256_BYTES,
	       "the parts are the whole");

static void
number_freep(BIGNUM **number)
{
	BN_clear_free(*number);
}

bool
berth_pkcs8_write(EVP_PKEY *pkey, uint8_t der[BERTH_PKCS8_P256_BYTES])
{
	BERTH_CLEANUP(number_freep) BIGNUM *scalar = NULL;
	char group[32] = "";
	size_t n = 0;
	uint8_t *at = der;

	if (!EVP_PKEY_is_a(pkey, "EC") ||
	    EVP_PKEY_get_group_name(pkey, group, sizeof(group), NULL) != 1 ||
	    strcmp(group, "prime256v1") != 0 ||
	    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_PRIV_KEY, &scalar) != 1) {
		ERR_clear_error();
		return false;
	}
	memcpy(at, head, sizeof(head));
	at += sizeof(head);
	if (BN_bn2binpad(scalar, at, SCALAR_BYTES) != SCALAR_BYTES)
		return false;
	at += SCALAR_BYTES;
	memcpy(at, middle, sizeof(middle));
	at += sizeof(middle);
	return EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, at,
					       POINT_BYTES, &n) == 1 &&
	       n == POINT_BYTES && at[0] == 0x04;
}

EVP_PKEY *
berth_pkcs8_read(OSSL_LIB_CTX *libctx, struct berth_bytes der)
{
	BERTH_CLEANUP(number_freep) BIGNUM *scalar = NULL;
	uint8_t native[SCALAR_BYTES];
	uint8_t point[POINT_BYTES];
	char group[] = "prime256v1";
	EVP_PKEY *pkey = NULL;

	if (der.n != BERTH_PKCS8_P256_BYTES || memcmp(der.p, head, sizeof(head)) != 0 ||
	    memcmp(der.p + sizeof(head) + SCALAR_BYTES, middle, sizeof(middle)) != 0)
		return NULL;
	memcpy(point, der.p + der.n - POINT_BYTES, POINT_BYTES);
	scalar = BN_bin2bn(der.p + sizeof(head), SCALAR_BYTES, NULL);
	if (scalar == NULL || BN_bn2nativepad(scalar, native, SCALAR_BYTES) != SCALAR_BYTES)
		return NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, native, sizeof(native)),
		OSSL_PARAM_construct_end(),
	};
	BERTH_OSSL(EVP_PKEY_CTX) *context = EVP_PKEY_CTX_new_from_name(libctx, "EC", NULL);
	if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
	    EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL; /* the careful way says what is wrong with it */
	ERR_clear_error();
	berth_wipe(native, sizeof(native));
	return pkey;
}
