/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CMS SignedData (RFC 5652) as vouchers use it: one signer, attached content, signed attributes
 * present, DER. And the certs-only form that EST returns (RFC 7030 4.1.3).
 */
#ifndef BERTH_PKI_CMS_H
#define BERTH_PKI_CMS_H

#include "pki/certificate.h"

#define BERTH_CMS_MAX_BYTES 65536 /* a registrar voucher-request takes 4 KiB */

enum berth_cms_content {
	BERTH_CMS_DATA, /* id-data 1.2.840.113549.1.7.1: RFC 8995's examples, older peers */
	BERTH_CMS_ANIMA_VOUCHER, /* id-ct-animaJSONVoucher 1.2.840.113549.1.9.16.1.40 */
};

struct berth_cms_fields {
	enum berth_cms_content content_type;
	struct berth_bytes content;
	struct berth_key *key;
	const struct berth_cert *signer;
	const struct berth_cert_list
		*others; /* further certificates; DER sorts the set; may be NULL */
	struct berth_wall signing_time;
	bool omit_signing_time; /* a device without a clock says none */
};
enum berth_err berth_cms_sign(struct berth_pki *pki, const struct berth_cms_fields *fields,
			      struct berth_buf *der, struct berth_why *why) BERTH_MUST;
/*
 * The second look at what berth_cms_sign made of fields: it says that and nothing else, byte for byte. Whether the signature
 * holds is for those to ask who rely on it.
 */
enum berth_err berth_cms_lint(struct berth_pki *pki, const struct berth_cms_fields *fields,
			      struct berth_bytes der, struct berth_why *why) BERTH_MUST;

struct berth_cms {
	enum berth_cms_content content_type;
	struct berth_buf content;
	struct berth_cert *signer;
	struct berth_cert_list
		certificates; /* signer, then its issuers as far as inside, then the rest */
	struct berth_wall signing_time; /* s == 0: none */
};
void berth_cms_free(struct berth_cms *cms);
#define BERTH_CMS BERTH_CLEANUP(berth_cms_free) struct berth_cms
/*
 * Parses and checks the signature with the certificate inside that the SignerInfo names; nothing is said of trust:
 * the caller runs berth_path_verify on signer. Other eContentTypes, several signers, no signed attributes, BER: refused.
 * extra (may be NULL): certificates to look for the signer in when it is not inside (a MASA's pinned certificate).
 */
enum berth_err berth_cms_open(struct berth_pki *pki, struct berth_bytes der,
			      const struct berth_cert_list *extra, struct berth_cms *ret,
			      struct berth_why *why) BERTH_MUST;

/*
 * As berth_cms_open but for the signature: everything else is read and refused alike, the content's digest among the signed
 * attributes included. Only for an object whose signature was verified before it came here (from our own store, or
 * from the process that verified it), or was made here a moment ago.
 */
enum berth_err berth_cms_reopen(struct berth_pki *pki, struct berth_bytes der,
				const struct berth_cert_list *extra, struct berth_cms *ret,
				struct berth_why *why) BERTH_MUST;
/* The content alone, a view into der: who signed it, and whether anybody did, is not looked at. */
enum berth_err berth_cms_content(struct berth_bytes der, struct berth_bytes *ret,
				 struct berth_why *why) BERTH_MUST;

/* certs-only SignedData (degenerate), DER. */
enum berth_err berth_cms_certs_build(struct berth_pki *pki, const struct berth_cert_list *list,
				     struct berth_buf *der, struct berth_why *why) BERTH_MUST;
/* The same in the order of list, which DER forbids in a SET: readers of a bag take the first for their own (wpa_supplicant). */
enum berth_err berth_cms_certs_bag(const struct berth_cert_list *list, struct berth_buf *ber,
				   struct berth_why *why) BERTH_MUST;
/* The same of one certificate's DER, which whoever issued it has read again: here it is not. */
enum berth_err berth_cms_certs_wrap(struct berth_bytes certificate, struct berth_buf *der,
				    struct berth_why *why) BERTH_MUST;
enum berth_err berth_cms_certs_parse(struct berth_pki *pki, struct berth_bytes der,
				     struct berth_cert_list *list,
				     struct berth_why *why) BERTH_MUST;

#endif
