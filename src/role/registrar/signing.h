/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the registrar's judge may ask its signer for: these shapes of message and nothing else. The signer does not believe
 * the judge: it parses again what it is to sign and judges it by its own configuration (signer.c).
 */
#ifndef BERTH_ROLE_REGISTRAR_SIGNING_H
#define BERTH_ROLE_REGISTRAR_SIGNING_H

#include "pki/cms.h"
#include "pki/crl.h"
#include "pki/issue.h"
#include "pki/ocsp.h"
#include "pki/request.h"

enum berth_registrar_op {
	BERTH_REGISTRAR_SIGN_RVR = 1,	  /* object: CMS of the registrar's voucher-request */
	BERTH_REGISTRAR_ISSUE_LDEVID = 2, /* object: the certificate's DER */
	BERTH_REGISTRAR_SIGN_CRL = 3,	  /* object: the revocation list's DER */
	BERTH_REGISTRAR_SIGN_OCSP = 4,	  /* object: the OCSP response's DER */
	/* Wi-Fi Easy Connect (signer_dpp.h); payloads are plain octets */
	BERTH_REGISTRAR_DPP_KEYS = 5,	       /* payload empty; object: three public keys */
	BERTH_REGISTRAR_DPP_CONNECTOR = 6,     /* payload: a Connector's; object: the Connector */
	BERTH_REGISTRAR_DPP_BOOTSTRAPPING = 7, /* payload: a point, x | y; object: its product */
	BERTH_REGISTRAR_DPP_PP = 8,	       /* the same with the ppKey */
};

struct berth_sign_rvr {
	struct berth_bytes json;
	enum berth_cms_content content_type;
};

struct berth_issue_ldevid {
	uint8_t serial[BERTH_CERT_SERIAL_BYTES]; /* chosen and written down by the judge */
	/* Of a device's first certificate: who it is, model/device.h. Both empty in a renewal. */
	struct berth_bytes manufacturer_key;
	struct berth_bytes serial_number;
	struct berth_bytes user; /* of a user's first certificate: its name */
	bool is_gateway;	 /* a device's first certificate only: OU=gateway */
	bool is_dpp; /* a device's by Wi-Fi Easy Connect: the request names it as it likes */
	struct berth_bytes label;   /* of EST's path; empty: none */
	struct berth_bytes renewed; /* DER of the certificate to be renewed; empty: a first one */
	struct berth_bytes request; /* PKCS#10 DER */
	struct berth_bytes issuer;  /* subject key identifier, as the judge wrote it down */
	int64_t lifetime_s;
	int64_t partition; /* whose revocation list the certificate names */
};

#define BERTH_SIGN_ISSUER_MAX 64    /* a key identifier */
#define BERTH_SIGN_CRL_ENTRIES 1800 /* with its frame around it, the list fits a reply */

/* Which certificates are revoked; number, times and address of the list are the signer's own. */
struct berth_sign_crl {
	struct berth_bytes issuer; /* subject key identifier */
	int64_t partition;	   /* BERTH_PARTITION_ALL: the list that is not cut */
	struct berth_crl_entry entries[BERTH_SIGN_CRL_ENTRIES];
	size_t entry_count;
};

/* What is said of which certificates; times are the signer's own. */
struct berth_sign_ocsp {
	struct berth_bytes issuer;
	struct berth_bytes nonce;
	struct berth_ocsp_single singles[BERTH_OCSP_IDS_MAX];
	size_t single_count;
};

enum berth_err berth_sign_rvr_encode(const struct berth_sign_rvr *ask,
				     struct berth_buf *payload) BERTH_MUST;
/* Views borrow from payload; all of it is read. */
enum berth_err berth_sign_rvr_decode(struct berth_bytes payload, struct berth_sign_rvr *ret,
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_issue_ldevid_encode(const struct berth_issue_ldevid *ask,
					 struct berth_buf *payload) BERTH_MUST;
enum berth_err berth_issue_ldevid_decode(struct berth_bytes payload, struct berth_issue_ldevid *ret,
					 struct berth_why *why) BERTH_MUST;
enum berth_err berth_sign_crl_encode(const struct berth_sign_crl *ask,
				     struct berth_buf *payload) BERTH_MUST;
enum berth_err berth_sign_crl_decode(struct berth_bytes payload, struct berth_sign_crl *ret,
				     struct berth_why *why) BERTH_MUST;
enum berth_err berth_sign_ocsp_encode(const struct berth_sign_ocsp *ask,
				      struct berth_buf *payload) BERTH_MUST;
enum berth_err berth_sign_ocsp_decode(struct berth_bytes payload, struct berth_sign_ocsp *ret,
				      struct berth_why *why) BERTH_MUST;

#endif
