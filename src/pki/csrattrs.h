/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EST CSR attributes (RFC 7030 4.5.2, RFC 9908): what the registrar wants to see in a request. Here: the
 * X520 serialNumber and commonName the device must put, and the key kind. Old-style OID/attribute form; RFC 9908
 * extension with values for the SAN where given.
 */
#ifndef BERTH_PKI_CSRATTRS_H
#define BERTH_PKI_CSRATTRS_H

#include "pki/request.h"

struct berth_csrattrs {
	bool want_serial_number; /* X520 serialNumber in the subject, value: the device's own */
	bool want_p256;		 /* id-ecPublicKey with prime256v1 */
	bool want_sha256;	 /* ecdsa-with-SHA256 */
	struct berth_bytes
		dns_name; /* extensionReq with this dNSName (RFC 9908 3.2); empty: none */
};
enum berth_err berth_csrattrs_build(const struct berth_csrattrs *attrs, struct berth_buf *der,
				    struct berth_why *why) BERTH_MUST;
/* Unknown attributes are skipped (RFC 7030: ignore what is not understood). dns_name borrows from der. */
enum berth_err berth_csrattrs_parse(struct berth_bytes der, struct berth_csrattrs *ret,
				    struct berth_why *why) BERTH_MUST;
/* A request answers what was asked. rule rfc8995-5.9.3-csr-... */
enum berth_err berth_csrattrs_check(const struct berth_csrattrs *attrs,
				    const struct berth_request *request,
				    struct berth_why *why) BERTH_MUST;

#endif
