/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/proof.h"

#include "pki/library.h"
#include "pki/ossl_annot.h"

enum berth_err
berth_proof_of(struct berth_pki *pki, const struct berth_bytes *parts, size_t n,
	       struct berth_proof *ret)
{
	BERTH_OSSL(EVP_MD_CTX) *context = EVP_MD_CTX_new();
	bool ok = context != NULL && EVP_DigestInit_ex2(context, pki->sha256, NULL) == 1;

	for (size_t i = 0; ok && i < n; i++) {
		const uint64_t size = parts[i].n; /* so that no two lists of parts look alike */
		ok = EVP_DigestUpdate(context, &size, sizeof(size)) == 1 &&
		     EVP_DigestUpdate(context, parts[i].p, parts[i].n) == 1;
	}
	if (!ok || EVP_DigestFinal_ex(context, ret->digest, NULL) != 1)
		return BERTH_E_CRYPTO;
	return BERTH_OK;
}

/* Any bytes of a digest are as good as any other. */
static struct berth_proof *
place(struct berth_pki *pki, const struct berth_proof *proof)
{
	return &pki->proofs[(proof->digest[0] | (size_t)proof->digest[1] << 8) % BERTH_PROOFS_KEPT];
}

bool
berth_proof_is_known(struct berth_pki *pki, const struct berth_proof *proof)
{
	return memcmp(place(pki, proof), proof, sizeof(*proof)) == 0;
}

void
berth_proof_keep(struct berth_pki *pki, const struct berth_proof *proof)
{
	*place(pki, proof) = *proof;
}
