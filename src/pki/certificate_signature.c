/* SPDX-License-Identifier: BSD-2-Clause */
/* A certificate's or request's signature, by the key that we read: OpenSSL's way would decode it again. */
#include "pki/der.h"
#include "pki/library.h"

/* TBSCertificate (RFC 5280 4.1), CertificationRequestInfo (RFC 2986 4.2): what is signed, with its tag. */
static bool
find_signed(struct berth_bytes der, struct berth_bytes *ret)
{
	struct berth_bytes body;
	struct berth_der first;

	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &body) || !berth_der_next(&body, &first))
		return false;
	*ret = first.whole;
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

enum berth_signed
berth_signed_by(struct berth_bytes der, int algorithm, const ASN1_BIT_STRING *signature,
		struct berth_key *key)
{
	struct berth_bytes message;
	bool is_ec = false;
	const char *digest = find_digest(algorithm, &is_ec);

	/* PSS and what else there may be: OpenSSL knows */
	if (digest == NULL || (signature->flags & 7) != 0)
		return BERTH_SIGNED_UNKNOWN;
	const struct berth_bytes bits = berth_bytes_of(ASN1_STRING_get0_data(signature),
						       (size_t)ASN1_STRING_length(signature));
	return is_ec == (berth_key_kind_of(key)->group != NULL) && find_signed(der, &message) &&
			       berth_key_verify_with(key, digest, message, bits, NULL) == BERTH_OK
		       ? BERTH_SIGNED_YES
		       : BERTH_SIGNED_NO;
}

bool
berth_cert_is_signed_by(const struct berth_cert *cert, struct berth_key *issuer)
{
	const ASN1_BIT_STRING *signature = NULL;
	const X509_ALGOR *algorithm = NULL;
	const X509 *x509 = berth_cert_x509_keyless(cert);

	X509_get0_signature(&signature, &algorithm, x509);
	enum berth_signed is_signed = berth_signed_by(
		berth_cert_der(cert), X509_get_signature_nid(x509), signature, issuer);
	if (is_signed == BERTH_SIGNED_UNKNOWN)
		return X509_verify(berth_cert_x509(cert), berth_key_public(issuer)) == 1;
	/* RFC 5280 4.1.1.2: the algorithm inside of what is signed is the one that stands outside */
	return is_signed == BERTH_SIGNED_YES &&
	       X509_ALGOR_cmp(algorithm, X509_get0_tbs_sigalg(x509)) == 0;
}

bool
berth_cert_may_issue(const struct berth_cert *cert)
{
	const uint32_t wanted = X509v3_KU_KEY_CERT_SIGN | X509v3_KU_CRL_SIGN;

	return berth_cert_is_ca(cert) &&
	       (X509_get_key_usage(berth_cert_x509_keyless(cert)) & wanted) == wanted;
}
