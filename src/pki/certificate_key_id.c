/* SPDX-License-Identifier: BSD-2-Clause */
/* The domain that a certificate names, and whether it calls itself by its own key: a key identifier is whatever its maker wrote there. */
#include "pki/certificate.h"
#include "pki/library.h"

/* RFC 7093 2: the leftmost 160 bits; less is found by trying */
#define IDENTIFIER_MIN 20

static bool
begins_with(const EVP_MD *digest, struct berth_bytes of, struct berth_bytes identifier)
{
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	return EVP_Digest(of.p, of.n, hash, &n, digest, NULL) == 1 && identifier.n <= n &&
	       memcmp(hash, identifier.p, identifier.n) == 0;
}

/* RFC 5280 4.2.1.2 (1), RFC 7093 2; of the whole SubjectPublicKeyInfo, as RFC 7093's fourth method and GnuTLS. */
bool
berth_cert_ski_is_of_key(struct berth_pki *pki, const struct berth_cert *cert)
{
	const struct berth_bytes identifier = berth_cert_ski(cert);
	const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(berth_cert_x509_keyless(cert));
	const struct berth_bytes forms[] = {
		berth_bytes_of(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key)),
		berth_key_spki(berth_cert_key(cert)),
	};
	const EVP_MD *const digests[] = {pki->sha1, pki->sha256, pki->sha384, pki->sha512};

	if (identifier.n == 0)
		return true;
	for (size_t i = 0; i < 8 && identifier.n >= IDENTIFIER_MIN; i++)
		if (begins_with(digests[i / 2], forms[i % 2], identifier))
			return true;
	return false;
}

/* req: rfc8995-5.8.2-1 */
size_t
berth_cert_domain_id(struct berth_pki *pki, const struct berth_cert *cert, uint8_t id[32])
{
	const struct berth_bytes ski = berth_cert_ski(cert);

	if (ski.n > 0 && ski.n <= 32) {
		memcpy(id, ski.p, ski.n);
		return ski.n;
	}
	struct berth_bytes spki = berth_key_spki(berth_cert_key(cert));
	if (EVP_Digest(spki.p, spki.n, id, NULL, pki->sha256, NULL) != 1)
		return 0;
	return BERTH_SHA256_BYTES;
}
