/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the registrar's judge may ask its signer for: two shapes of message and nothing else. The signer does not believe
 * the judge: it parses again what it is to sign and judges it by its own configuration (signer.c).
 */
#ifndef BERTH_ROLE_REGISTRAR_SIGNING_H
#define BERTH_ROLE_REGISTRAR_SIGNING_H

#include "pki/cms.h"
#include "pki/issue.h"
#include "pki/request.h"

enum berth_registrar_op {
	BERTH_REGISTRAR_SIGN_RVR = 1,	  /* object: CMS of the registrar's voucher-request */
	BERTH_REGISTRAR_ISSUE_LDEVID = 2, /* object: the certificate's DER */
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
	struct berth_bytes renewed; /* DER of the certificate to be renewed; empty: a first one */
	struct berth_bytes request; /* PKCS#10 DER */
	int64_t lifetime_s;
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

#endif
