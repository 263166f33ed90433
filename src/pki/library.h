/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of pki share and nobody else sees. */
#ifndef BERTH_PKI_LIBRARY_H
#define BERTH_PKI_LIBRARY_H

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pki/ossl.h"
#include "pki/path_kept.h"
#include "pki/proof.h"

struct berth_p11_module;

/*
 * Certificates parsed lately, by their bytes: one onboarding shows the same few again and again (the TLS chain, inside
 * of each CMS object, and when what was signed is read again), and parsing is what costs. A certificate never changes, so
 * the same bytes are the same certificate. Nothing is kept of whether it is trusted.
 */
#define BERTH_CERTS_KEPT 256 /* about 6 KiB each */

#define BERTH_SIVS 3   /* with keys of 32, 48 and 64 bytes */
#define BERTH_GROUPS 6 /* enum berth_ec_curve */
#define BERTH_CURVES 3 /* P-256, P-384, P-521 */
#define BERTH_POINT_MAX_BYTES 133

/* What verifies for all keys of one curve. */
struct berth_curve {
	EVP_PKEY *key; /* NULL: the curve was not met yet */
	uint8_t point
		[BERTH_POINT_MAX_BYTES]; /* what is in it; all zero: nothing that may be used */
};

struct berth_pki {
	OSSL_LIB_CTX *libctx;
	OSSL_LIB_CTX *keyless; /* digests alone: what is read in it keeps its key undecoded */
	OSSL_PROVIDER *digests;
	OSSL_PROVIDER *narrow;
	OSSL_PROVIDER *keystore;
	EVP_MD *sha1, *sha256, *sha384,
		*sha512;	     /* fetched once: a fetch costs more than a digest */
	EVP_CIPHER *siv[BERTH_SIVS]; /* NULL: not asked for yet; the groups too */
	EC_GROUP *groups[BERTH_GROUPS];
	bool is_synced_later;		  /* during berth_keystore_generate_unsynced */
	struct berth_p11_module *modules; /* PKCS#11 modules opened, keystore/pkcs11.c */
	char tpm_tcti[256]; /* of tpm: URIs that name no TPM; "": the default, keystore/tpm.c */
	struct berth_curve curves[BERTH_CURVES]; /* by berth_key_kind's place */
	struct berth_cert *certs[BERTH_CERTS_KEPT];
	struct berth_proof proofs[BERTH_PROOFS_KEPT];
	struct berth_path_kept paths[BERTH_PATHS_KEPT];
	size_t paths_next; /* the place that is taken next */
};

/* SHA2 by the name OpenSSL knows; NULL for any other. */
EVP_MD *berth_pki_digest(struct berth_pki *pki, const char *name);

/* What an algorithm and size mean here. */
struct berth_key_kind {
	const char *name;   /* "P-256" */
	const char *group;  /* OpenSSL's name of the curve; NULL for RSA */
	const char *digest; /* the one that matches the strength */
	int bits;
	int signature_nid; /* of digest with this algorithm */
	struct berth_bytes
		prefix;	    /* EC: the SubjectPublicKeyInfo up to and with the 04 of the point */
	size_t point_bytes; /* EC: with the 04 */
};
/* NULL when it is none of ours. */
const struct berth_key_kind *berth_key_kind_named(const char *name);
const struct berth_key_kind *berth_key_kind_of_spki(struct berth_bytes spki);
const struct berth_key_kind *berth_key_kind_of(const struct berth_key *key);

/* spki is copied; public is taken over even on failure; private (may be NULL) too. */
enum berth_err berth_key_make(struct berth_pki *pki, EVP_PKEY *public, EVP_PKEY *private,
			      struct berth_bytes spki, struct berth_key **ret,
			      struct berth_why *why) BERTH_MUST;
/*
 * spki: DER, checked to be. Of keys on curves only the point is kept and put into the curve's one key to verify:
 * OpenSSL's decoder takes ten times as long. The point is checked to be on the curve either way.
 */
enum berth_err berth_key_of_spki(struct berth_pki *pki, struct berth_bytes spki,
				 struct berth_key **ret, struct berth_why *why) BERTH_MUST;
/* Decoded at the first call; NULL: no memory. */
EVP_PKEY *berth_key_public(const struct berth_key *key);
/* Of either reading, berth_cert_x509 or berth_cert_x509_keyless. */
bool berth_cert_is_x509(const struct berth_cert *cert, const X509 *x509);
enum berth_signed { BERTH_SIGNED_NO, BERTH_SIGNED_YES, BERTH_SIGNED_UNKNOWN /* ask OpenSSL */ };
/* der: SEQUENCE { what is signed, algorithm, signature }, checked to be DER; algorithm: its NID. */
enum berth_signed berth_signed_by(struct berth_bytes der, int algorithm,
				  const ASN1_BIT_STRING *signature, struct berth_key *key);
/* True when issuer made the certificate's signature; nothing is said of names, dates and purposes. */
bool berth_cert_is_signed_by(const struct berth_cert *cert, struct berth_key *issuer);
/*
 * The product of the private key with a point (04 | x | y), x | y; UNSUPPORTED, with nothing in why: its keystore gives only x
 * (berth_key_derive).
 */
enum berth_err berth_key_multiply(struct berth_key *key, struct berth_bytes point,
				  struct berth_secret *product, struct berth_why *why) BERTH_MUST;
/* Puts the key into a certificate or request being built, without OpenSSL's encoders (150 us). */
bool berth_key_put(const struct berth_key *key, X509_PUBKEY *slot);
/* As berth_key_verify, with a digest named by an algorithm identifier: "SHA256", "SHA384", "SHA512". */
enum berth_err berth_key_verify_with(struct berth_key *key, const char *digest,
				     struct berth_bytes message, struct berth_bytes signature,
				     struct berth_why *why) BERTH_MUST;

/* The one attribute of that type in name, as UTF-8 in *ret (OPENSSL_free); none or several: empty. */
enum berth_err berth_name_attribute(const X509_NAME *name, int nid, struct berth_bytes *ret,
				    struct berth_why *why) BERTH_MUST;
/* RFC 2253 without escaping the octets above 127: people read it. OPENSSL_free; NULL: no memory, or malformed strings. */
char *berth_name_text(const X509_NAME *name);
/* True when berth_name_text can only fail for want of memory. */
bool berth_name_is_plain(const X509_NAME *name);
enum berth_err berth_name_add(X509_NAME *name, int nid, struct berth_bytes value, size_t max,
			      struct berth_why *why) BERTH_MUST;
/* The dNSName general names; LIMIT, SYNTAX. */
enum berth_err berth_dns_names_make(const struct berth_bytes *names, size_t n, void *general_names,
				    struct berth_why *why) BERTH_MUST;
/* A uniformResourceIdentifier, and a distribution point of that one full name; NULL: no memory. */
GENERAL_NAME *berth_uri_name(struct berth_bytes uri);
DIST_POINT_NAME *berth_point_name(struct berth_bytes uri);
struct berth_wall berth_asn1_wall(const ASN1_TIME *t, bool *ok);

#endif
