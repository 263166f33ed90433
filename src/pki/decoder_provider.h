/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The narrow decoder: OpenSSL's default provider, forwarded, but offering of its decoders only
 * DER SubjectPublicKeyInfo and PKCS#8 of EC and RSA keys, and of keys, signatures, key agreements, ciphers, digests,
 * MACs and key derivations those that Berth uses. OpenSSL 3.0 tries all decoders it knows on
 * every public key of every certificate, request and CMS, and copies the list of all algorithms it knows for each; with
 * four decoders instead of forty, and twenty algorithms instead of two hundred, reading a certificate costs a quarter.
 *
 * PEM, DSA, Diffie-Hellman, Edwards keys and encrypted keys can therefore not be decoded in this
 * library context, nor MD5, SHA-3 or CBC be had in it.
 */
#ifndef BERTH_PKI_DECODER_PROVIDER_H
#define BERTH_PKI_DECODER_PROVIDER_H

#include <openssl/types.h>

#include "base/err.h"

#define BERTH_NARROW_PROVIDER "berth-narrow"
/*
 * The same with digests alone. In a library context that has no other provider certificates and requests are read
 * without their keys, which pki/key.c reads in a tenth of the time.
 */
#define BERTH_DIGESTS_PROVIDER "berth-digests"

/* Registers and loads the provider in libctx; ret is unloaded by the caller. */
enum berth_err berth_narrow_provider_load(OSSL_LIB_CTX *libctx, OSSL_PROVIDER **ret,
					  struct berth_why *why) BERTH_MUST;

enum berth_err berth_digests_provider_load(OSSL_LIB_CTX *libctx, OSSL_PROVIDER **ret,
					   struct berth_why *why) BERTH_MUST;

#endif
