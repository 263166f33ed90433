/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/domain_path.h"

#include "protocol/brski/masa.h"

static bool
is_issuer(const struct berth_cert *issuer, const struct berth_cert *subject)
{
	struct berth_bytes ski = berth_cert_ski(issuer);
	struct berth_bytes aki = berth_cert_aki_key_id(subject);

	if (issuer == subject || !berth_cert_is_ca(issuer))
		return false;
	if (!berth_bytes_equal(berth_cert_subject_der(issuer), berth_cert_issuer_der(subject)))
		return false;
	return ski.n == 0 || aki.n == 0 || berth_bytes_equal(ski, aki);
}

/* The last certificate of the chain by name and key identifier; signatures are the path check's. */
static struct berth_cert *
farthest(struct berth_cert *leaf, const struct berth_cert_list *sent)
{
	struct berth_cert *last = leaf;

	for (size_t step = 0; step < sent->n; step++) {
		struct berth_cert *issuer = NULL;

		if (berth_cert_is_self_issued(last))
			break;
		for (size_t i = 0; i < sent->n && !issuer; i++)
			if (is_issuer(sent->at[i], last))
				issuer = sent->at[i];
		if (!issuer)
			break;
		last = issuer;
	}
	return last;
}

enum berth_err
berth_domain_path_find(struct berth_pki *pki, struct berth_cert *registrar,
		       const struct berth_cert_list *sent, struct berth_wall at,
		       struct berth_cert_list *ret, struct berth_why *why)
{
	BERTH_CERT_LIST anchors = {0};
	enum berth_err err = berth_cert_list_add(&anchors, farthest(registrar, sent), why);
	const struct berth_path_check check = {
		.leaf = registrar,
		.untrusted = sent,
		.anchors = &anchors,
		.at = at,
		.require_eku = BERTH_EKU_CMC_RA, /* req: gateway-no-cmc-ra */
		.require_eku_present = true,	 /* a domain has other servers too */
	};

	return err ? err : berth_path_verify(pki, &check, ret, why);
}

enum berth_err
berth_domain_path_names(struct berth_pki *pki, const struct berth_cert_list *path,
			struct berth_masa_unit_query *ret, struct berth_why *why)
{
	for (size_t i = 0; i < path->n; i++) {
		const struct berth_cert *cert = path->at[i];

		ret->path_domain_id_length[i] =
			berth_cert_domain_id(pki, cert, ret->path_domain_id[i]);
		if (ret->path_domain_id_length[i] == 0 ||
		    berth_sha256(pki, berth_key_spki(berth_cert_key(cert)), ret->path_digest[i]))
			return berth_fail(why, BERTH_E_CRYPTO, "berth-crypto", NULL,
					  "SHA-256 failed");
	}
	ret->path_count = path->n;
	return BERTH_OK;
}
