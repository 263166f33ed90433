/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/path_kept.h"

#include <openssl/x509v3.h>

#include "pki/library.h"

#define SECURITY_BITS 112 /* as pki/path.c asks of OpenSSL */

void
berth_path_forget(struct berth_path_kept *kept)
{
	berth_cert_list_free(&kept->anchors);
	berth_cert_list_free(&kept->beside);
	berth_cert_list_free(&kept->above);
}

static bool
is_same(const struct berth_cert *a, const struct berth_cert *b)
{
	return a == b || berth_bytes_equal(berth_cert_der(a), berth_cert_der(b));
}

/* The same certificates in the same order, not counting leaf among those that are given. */
static bool
are_same(const struct berth_cert_list *kept, const struct berth_cert_list *given,
	 const struct berth_cert *leaf)
{
	size_t n = 0;

	for (size_t i = 0; given != NULL && i < given->n; i++) {
		if (leaf != NULL && is_same(given->at[i], leaf))
			continue;
		if (n == kept->n || !is_same(kept->at[n++], given->at[i]))
			return false;
	}
	return n == kept->n;
}

/* As pki/path.c has it: in the second in which it ends a certificate has ended. */
static bool
is_in_time(const struct berth_path_check *check, const struct berth_cert *cert)
{
	return check->ignore_time || (berth_cert_not_before(cert).s <= check->at.s &&
				      check->at.s < berth_cert_not_after(cert).s);
}

/* Constraints on names and addresses bind what is below, so that each certificate there is another question. */
static bool
is_constrained(const struct berth_cert *cert)
{
	static const int nids[] = {NID_name_constraints, NID_sbgp_ipAddrBlock,
				   NID_sbgp_autonomousSysNum};
	bool found = false;

	for (size_t i = 0; i < sizeof(nids) / sizeof(nids[0]); i++)
		found = found ||
			X509_get_ext_by_NID(berth_cert_x509_keyless(cert), nids[i], -1) >= 0;
	return found;
}

/* The end certificate for which OpenSSL's path check asks nothing that is not asked in holds(). */
static bool
is_plain(const struct berth_cert *leaf)
{
	const uint32_t odd =
		EXFLAG_CA | EXFLAG_CRITICAL | EXFLAG_INVALID | EXFLAG_PROXY | EXFLAG_SI | EXFLAG_SS;
	X509 *x509 = berth_cert_x509_keyless(leaf);
	int bits = 0;

	return (X509_get_extension_flags(x509) & odd) == 0 && !is_constrained(leaf) &&
	       berth_key_kind_of(berth_cert_key(leaf))->group != NULL &&
	       X509_get_signature_info(x509, NULL, NULL, &bits, NULL) == 1 && bits >= SECURITY_BITS;
}

static bool
holds(const struct berth_path_kept *kept, const struct berth_path_check *check)
{
	const struct berth_cert *issuer = kept->above.at[0];
	bool in_time = is_in_time(check, check->leaf);

	for (size_t i = 0; i < kept->above.n; i++)
		in_time = in_time && is_in_time(check, kept->above.at[i]);
	return in_time &&
	       X509_check_issued(berth_cert_x509(issuer), berth_cert_x509_keyless(check->leaf)) ==
		       X509_V_OK &&
	       berth_cert_is_signed_by(check->leaf, berth_cert_key(issuer));
}

const struct berth_cert_list *
berth_path_known(struct berth_pki *pki, const struct berth_path_check *check,
		 const struct berth_cert_list *anchors)
{
	const struct berth_bytes issuer = berth_cert_issuer_der(check->leaf);

	for (size_t i = 0; i < BERTH_PATHS_KEPT; i++) {
		const struct berth_path_kept *kept = &pki->paths[i];
		if (kept->above.n > 0 &&
		    berth_bytes_equal(berth_cert_subject_der(kept->above.at[0]), issuer) &&
		    are_same(&kept->anchors, anchors, NULL) &&
		    are_same(&kept->beside, check->untrusted, check->leaf))
			return !berth_cert_list_has(anchors, check->leaf) &&
					       is_plain(check->leaf) && holds(kept, check)
				       ? &kept->above
				       : NULL;
	}
	return NULL;
}

static enum berth_err
copy_without(struct berth_cert_list *to, const struct berth_cert_list *from,
	     const struct berth_cert *leaf)
{
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; !err && from != NULL && i < from->n; i++)
		err = is_same(from->at[i], leaf) ? BERTH_OK
						 : berth_cert_list_add(to, from->at[i], NULL);
	return err;
}

void
berth_path_keep(struct berth_pki *pki, const struct berth_path_check *check,
		const struct berth_cert_list *anchors, const struct berth_cert_list *path)
{
	struct berth_path_kept *kept = &pki->paths[pki->paths_next % BERTH_PATHS_KEPT];
	bool is_free = path->n > 1 && is_plain(path->at[0]);

	for (size_t i = 1; i < path->n; i++)
		is_free = is_free && !is_constrained(path->at[i]);
	if (!is_free)
		return;
	pki->paths_next++;
	berth_path_forget(kept);
	/* There is room for each in a list; if there were not, nothing is kept. */
	if (berth_cert_list_copy(&kept->anchors, anchors, NULL) ||
	    copy_without(&kept->beside, check->untrusted, check->leaf) ||
	    copy_without(&kept->above, path, check->leaf))
		berth_path_forget(kept);
}
