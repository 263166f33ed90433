/* SPDX-License-Identifier: BSD-2-Clause */
/* For pki and net/tls only: the OpenSSL objects behind our handles, all borrowed. */
#ifndef BERTH_PKI_OSSL_H
#define BERTH_PKI_OSSL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "pki/certificate.h"
#include "pki/key.h"

OSSL_LIB_CTX *berth_pki_libctx(struct berth_pki *pki);
EVP_PKEY *berth_key_pkey(const struct berth_key *key);
X509 *berth_cert_x509(const struct berth_cert *cert);
/*
 * The same without its public key decoded, which takes OpenSSL longer than all the rest: for all that does not ask it for
 * the key. The key is berth_cert_key's.
 */
X509 *berth_cert_x509_keyless(const struct berth_cert *cert);
/* The newest OpenSSL error as text in why's sentence; empties the queue; returns err. */
enum berth_err berth_ossl_fail(struct berth_why *why, enum berth_err err, const char *rule,
			       const char *section, const char *what) BERTH_MUST;

#endif
