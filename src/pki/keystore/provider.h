/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keystore as OpenSSL sees it: key management "EC", signature "ECDSA" and key exchange "ECDH" for keys whose private
 * part is in a backend. It never exports a private key, so that OpenSSL, which asks its default
 * provider first, comes back here for every private operation. Messages are signed, never digests:
 * EVP_PKEY_sign does not exist for these keys; EVP_DigestSign, X509_sign, CMS_sign and libssl work.
 */
#ifndef BERTH_PKI_KEYSTORE_PROVIDER_H
#define BERTH_PKI_KEYSTORE_PROVIDER_H

#include <openssl/core_dispatch.h>

#include "base/bytes.h"

#define BERTH_KEYSTORE_PROVIDER "berth-keystore"
#define BERTH_KEYSTORE_PROPERTIES "provider=berth-keystore"
/* OSSL_PARAM, octet pointer: a struct berth_private of this process; how a key gets in. */
#define BERTH_KEYSTORE_PARAM_PRIVATE "berth-private"

enum berth_err berth_keystore_provider_load(OSSL_LIB_CTX *libctx, OSSL_PROVIDER **ret,
					    struct berth_why *why) BERTH_MUST;

/* keystore/signature.c */
extern const OSSL_DISPATCH berth_keystore_signature[];
/* keystore/exchange.c */
extern const OSSL_DISPATCH berth_keystore_exchange[];

#define BERTH_EC_POINT_MAX 133 /* P-521, uncompressed */

/* What key management hands to signature and key exchange. */
struct berth_keydata;
struct berth_private *berth_keydata_private(const struct berth_keydata *keydata); /* NULL: public */
struct berth_bytes berth_keydata_point(
	const struct berth_keydata *keydata); /* uncompressed; borrowed */

#endif
