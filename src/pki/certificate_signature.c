/* SPDX-License-Identifier: BSD-2-Clause */
/* A certificate's signature, by the key that we read: OpenSSL's way would decode it again. */
#include "pki/der.h"
#include "pki/library.h"

/* TBSCertificate, with its tag; RFC 5280 4.1. */
static bool
find_tbs(struct berth_bytes der, struct berth_bytes *ret)
{
	struct berth_bytes body;
	struct berth_der tbs;

	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &body) || !berth_der_next(&body, &tbs))
		return false;
	*ret = tbs.whole;
	return true;
}

/* The signature algorithms of berth_key's kinds: what the digest is, and whether the key must be on a curve. */
static const char *
find_digest(int nid, bool *is_ec)
{
	*is_ec = nid == NID_ecdsa_with_SHA256 || nid == NID_ecdsa_with_SHA384 ||
		 nid == NID_ecdsa_with_SHA512;
	switch (nid) {
	case NID_ecdsa_with_SHA256:
	case NID_sha256WithRSAEncryption:
		return "SHA256";
	case NID_ecdsa_with_SHA384:
	case NID_sha384WithRSAEncryption:
		return "SHA384";
	case NID_ecdsa_with_SHA512:
	case NID_sha512WithRSAEncryption:
		return "SHA512";
	default:
		return NULL;
	}
}

bool
berth_cert_is_signed_by(const struct berth_cert *cert, struct berth_key *issuer)
{
	const ASN1_BIT_STRING *signature = NULL;
	const X509_ALGOR *algorithm = NULL;
	const X509 *x509 = berth_cert_x509_keyless(cert);
	struct berth_bytes tbs;
	bool is_ec = false;

	X509_get0_signature(&signature, &algorithm, x509);
	const char *digest = find_digest(X509_get_signature_nid(x509), &is_ec);
	/* PSS and what else there may be: OpenSSL knows */
	if (digest == NULL || (signature->flags & 7) != 0)
		return X509_verify(berth_cert_x509(cert), berth_key_public(issuer)) == 1;
	/* RFC 5280 4.1.1.2: the algorithm inside of what is signed is the one that stands outside */
	return X509_ALGOR_cmp(algorithm, X509_get0_tbs_sigalg(x509)) == 0 &&
	       is_ec == (berth_key_kind_of(issuer)->group != NULL) &&
	       find_tbs(berth_cert_der(cert), &tbs) &&
	       berth_key_verify_with(issuer, digest, tbs,
				     berth_bytes_of(ASN1_STRING_get0_data(signature),
						    (size_t)ASN1_STRING_length(signature)),
				     NULL) == BERTH_OK;
}
