/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * P-256 keys as PKCS#8 (RFC 5958, RFC 5915 inside, with the public key), byte for byte as OpenSSL writes them, in a tenth
 * of the time: a factory writes and reads back thousands a minute. Other keys, and other ways to write the same, are
 * left to OpenSSL.
 */
#ifndef BERTH_PKI_KEYSTORE_PKCS8_H
#define BERTH_PKI_KEYSTORE_PKCS8_H

#include <openssl/evp.h>

#include "base/bytes.h"

#define BERTH_PKCS8_P256_BYTES 138

/* False: no P-256 key. der holds a secret; the caller wipes it. */
bool berth_pkcs8_write(EVP_PKEY *pkey, uint8_t der[BERTH_PKCS8_P256_BYTES]);
/* NULL: not in that form, or not a key. */
EVP_PKEY *berth_pkcs8_read(OSSL_LIB_CTX *libctx, struct berth_bytes der);

#endif
