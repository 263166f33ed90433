/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells gcc -fanalyzer which function frees what OpenSSL's constructors return, so that leaks of
 * those objects are found at compile time; and the cleanup types that go with them.
 */
#ifndef BERTH_PKI_OSSL_ANNOT_H
#define BERTH_PKI_OSSL_ANNOT_H

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/err.h"

#if defined(__GNUC__) && !defined(__clang__)
#define BERTH_FREED_BY(fn) __attribute__((malloc(fn, 1)))
#else
#define BERTH_FREED_BY(fn)
#endif

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wredundant-decls"
BERTH_FREED_BY(X509_free) X509 *X509_new_ex(OSSL_LIB_CTX *libctx, const char *propq);
BERTH_FREED_BY(X509_REQ_free) X509_REQ *X509_REQ_new_ex(OSSL_LIB_CTX *libctx, const char *propq);
BERTH_FREED_BY(EVP_MD_CTX_free) EVP_MD_CTX *EVP_MD_CTX_new(void);
BERTH_FREED_BY(X509_STORE_CTX_free)
X509_STORE_CTX *X509_STORE_CTX_new_ex(OSSL_LIB_CTX *libctx, const char *propq);
BERTH_FREED_BY(BIO_free) BIO *BIO_new(const BIO_METHOD *type);
BERTH_FREED_BY(EVP_PKEY_CTX_free)
EVP_PKEY_CTX *EVP_PKEY_CTX_new_from_name(OSSL_LIB_CTX *libctx, const char *name, const char *propq);
#pragma GCC diagnostic pop

#define BERTH_OSSL_CLEANUP(type, free_function)                                                    \
	static inline void berth_##free_function##_p(type **p)                                     \
	{                                                                                          \
		free_function(*p);                                                                 \
	}                                                                                          \
	struct berth_##free_function##_wants_a_semicolon

BERTH_OSSL_CLEANUP(X509, X509_free);
BERTH_OSSL_CLEANUP(X509_CRL, X509_CRL_free);
BERTH_OSSL_CLEANUP(X509_REVOKED, X509_REVOKED_free);
BERTH_OSSL_CLEANUP(X509_REQ, X509_REQ_free);
BERTH_OSSL_CLEANUP(X509_NAME, X509_NAME_free);
BERTH_OSSL_CLEANUP(X509_ATTRIBUTE, X509_ATTRIBUTE_free);
BERTH_OSSL_CLEANUP(X509_EXTENSION, X509_EXTENSION_free);
BERTH_OSSL_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free);
BERTH_OSSL_CLEANUP(EVP_MD_CTX, EVP_MD_CTX_free);
BERTH_OSSL_CLEANUP(BN_CTX, BN_CTX_free);
BERTH_OSSL_CLEANUP(EVP_PKEY, EVP_PKEY_free);
BERTH_OSSL_CLEANUP(EVP_PKEY_CTX, EVP_PKEY_CTX_free);
BERTH_OSSL_CLEANUP(ASN1_OBJECT, ASN1_OBJECT_free);
BERTH_OSSL_CLEANUP(ASN1_INTEGER, ASN1_INTEGER_free);
BERTH_OSSL_CLEANUP(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free);
BERTH_OSSL_CLEANUP(ASN1_BIT_STRING, ASN1_BIT_STRING_free);
BERTH_OSSL_CLEANUP(ASN1_TIME, ASN1_TIME_free);
BERTH_OSSL_CLEANUP(ASN1_TYPE, ASN1_TYPE_free);
BERTH_OSSL_CLEANUP(BASIC_CONSTRAINTS, BASIC_CONSTRAINTS_free);
BERTH_OSSL_CLEANUP(AUTHORITY_KEYID, AUTHORITY_KEYID_free);
BERTH_OSSL_CLEANUP(ASN1_ENUMERATED, ASN1_ENUMERATED_free);
BERTH_OSSL_CLEANUP(AUTHORITY_INFO_ACCESS, AUTHORITY_INFO_ACCESS_free);
BERTH_OSSL_CLEANUP(CRL_DIST_POINTS, CRL_DIST_POINTS_free);
BERTH_OSSL_CLEANUP(ISSUING_DIST_POINT, ISSUING_DIST_POINT_free);
BERTH_OSSL_CLEANUP(GENERAL_NAMES, GENERAL_NAMES_free);
BERTH_OSSL_CLEANUP(GENERAL_NAME, GENERAL_NAME_free);
BERTH_OSSL_CLEANUP(EXTENDED_KEY_USAGE, EXTENDED_KEY_USAGE_free);
BERTH_OSSL_CLEANUP(PKCS8_PRIV_KEY_INFO, PKCS8_PRIV_KEY_INFO_free);
BERTH_OSSL_CLEANUP(BIO, BIO_free_all);
BERTH_OSSL_CLEANUP(EC_POINT, EC_POINT_free);
BERTH_OSSL_CLEANUP(BIGNUM, BN_clear_free);
BERTH_OSSL_CLEANUP(ECDSA_SIG, ECDSA_SIG_free);

/* BERTH_OSSL(X509) *x = ...; is freed when it leaves scope. */
#define BERTH_OSSL(type) BERTH_CLEANUP(berth_##type##_free_p) type
#define BERTH_OSSL_SCALAR BERTH_CLEANUP(berth_BN_clear_free_p) BIGNUM
#define BERTH_OSSL_BIO BERTH_CLEANUP(berth_BIO_free_all_p) BIO

#endif
