/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CMS and X.509 work of one onboarding in plain OpenSSL calls, for the practical floor: the signatures are made and
 * checked, nothing else is. No policy, no strictness, no second look: never a model for anything but speed.
 * Certificates and keys of both sides are parsed once; all of it runs in Berth's library context, so that
 * the floor has the narrow decoders too.
 */
#ifndef BERTH_TESTS_BENCH_WORK_H
#define BERTH_TESTS_BENCH_WORK_H

#include <openssl/x509.h>

#include "base/bytes.h"
#include "pki/pki.h"

struct work_party {
	X509 *cert;
	X509 *above; /* the CA that goes along; NULL: none */
	EVP_PKEY *key;
};

/* PEM files; above NULL: none. */
void work_party_open(struct berth_pki *pki, const char *cert, const char *above, const char *key,
		     struct work_party *ret);
void work_party_close(struct work_party *party);
X509 *work_cert_read(struct berth_pki *pki, const char *path);

/* The signature of issuer on cert, that alone. */
void work_check_cert(X509 *cert, X509 *issuer);
/* Appends DER to ret. */
void work_cms_sign(struct berth_pki *pki, const struct work_party *party,
		   struct berth_bytes content, struct berth_buf *ret);
/*
 * Appends the content to ret. signer given: the signature must be its, the certificates inside are passed over.
 * NULL: the signer is inside and must be issued by issuer.
 */
void work_cms_check(struct berth_pki *pki, struct berth_bytes der, X509 *signer, X509 *issuer,
		    struct berth_buf *ret);
/* Base64 PKCS#10 in, its proof of possession checked; base64 certs-only with a new certificate out. */
void work_enrol(struct berth_pki *pki, const struct work_party *issuer, struct berth_bytes request,
		struct berth_buf *ret);

#endif
