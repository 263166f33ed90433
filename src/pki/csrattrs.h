/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EST CSR attributes (RFC 7030 4.5.2, RFC 9908): what the registrar wants to see in a request. There are two ways to say
 * it: single identifiers and attributes, as clients have read them from the beginning; and since RFC 9908 one template of
 * the request, whose parts have values where the server gives them and none where the client knows better. Both may
 * stand in one reply; who understands the template then reads that alone.
 */
#ifndef BERTH_PKI_CSRATTRS_H
#define BERTH_PKI_CSRATTRS_H

#include "pki/request.h"

/* How a server says it. */
enum berth_csrattrs_style {
	BERTH_CSRATTRS_BOTH,
	BERTH_CSRATTRS_TEMPLATE,
	BERTH_CSRATTRS_PLAIN,
};

struct berth_csrattrs {
	bool want_serial_number;      /* X520 serialNumber in the subject */
	const char *key;	      /* "P-256", "P-384", "P-521", static; NULL: any */
	bool want_sha256;	      /* ecdsa-with-SHA256; not in a template */
	bool want_challenge_password; /* the request is linked to its connection; not in a template */
	bool want_dns_names;	      /* the client names itself (template only) */
	/* Of the template only; empty: the client's own, or not asked for where there is no want_. */
	bool want_common_name;
	struct berth_bytes serial_number;
	struct berth_bytes common_name;
	struct berth_bytes organization;
	struct berth_bytes unit;
	/* What the subjectAltName must hold (RFC 9908 3.2). */
	struct berth_bytes dns_names[BERTH_REQUEST_NAMES_MAX];
	size_t dns_name_count;
	bool is_template; /* parse: a template said it */
};
enum berth_err berth_csrattrs_build(const struct berth_csrattrs *attrs,
				    enum berth_csrattrs_style style, struct berth_buf *der,
				    struct berth_why *why) BERTH_MUST;
/*
 * Unknown attributes are skipped (RFC 7030: ignore what is not understood); of a reply with a template only that is read.
 * A template that asks for what we cannot give (another kind of key, a subject attribute of an unknown type without a
 * value) is refused by name. Views borrow from der.
 */
enum berth_err berth_csrattrs_parse(struct berth_bytes der, struct berth_csrattrs *ret,
				    struct berth_why *why) BERTH_MUST;
/* A request answers what was asked. rule rfc8995-5.9.3-csr-... */
enum berth_err berth_csrattrs_check(const struct berth_csrattrs *attrs,
				    const struct berth_request *request,
				    struct berth_why *why) BERTH_MUST;

#endif
