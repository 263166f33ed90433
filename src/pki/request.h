/* SPDX-License-Identifier: BSD-2-Clause */
/* PKCS#10 certification requests (RFC 2986). */
#ifndef BERTH_PKI_REQUEST_H
#define BERTH_PKI_REQUEST_H

#include "pki/certificate.h"

struct berth_request;

#define BERTH_REQUEST_MAX_BYTES 16384
#define BERTH_REQUEST_NAMES_MAX 8

/* DER, the whole input; checks the proof of possession (BERTH_E_SIGNATURE). */
enum berth_err berth_request_parse(struct berth_pki *pki, struct berth_bytes der,
				   struct berth_request **ret, struct berth_why *why) BERTH_MUST;
/* The same of a request whose proof of possession another of our processes has checked. */
enum berth_err berth_request_reparse(struct berth_pki *pki, struct berth_bytes der,
				     struct berth_request **ret, struct berth_why *why) BERTH_MUST;
void berth_request_free(struct berth_request *request);
void berth_request_freep(struct berth_request **request);
#define BERTH_REQUEST BERTH_CLEANUP(berth_request_freep) struct berth_request
/* Borrowed from the request. */
struct berth_bytes berth_request_der(const struct berth_request *request);
struct berth_key *berth_request_key(const struct berth_request *request);
struct berth_bytes berth_request_subject_der(const struct berth_request *request);
struct berth_bytes berth_request_subject_serial_number(const struct berth_request *request);
struct berth_bytes berth_request_subject_common_name(const struct berth_request *request);
struct berth_bytes berth_request_subject_organization(const struct berth_request *request);
struct berth_bytes berth_request_subject_unit(const struct berth_request *request);
size_t berth_request_subject_attribute_count(const struct berth_request *request);
/* The i-th dNSName of a requested subjectAltName; empty past the end. */
struct berth_bytes berth_request_dns_name(const struct berth_request *request, size_t i);
/* True when a SAN of another kind than dNSName is asked for. */
bool berth_request_has_other_names(const struct berth_request *request);
/*
 * The subject and the subjectAltName are those of the certificate (RFC 7030 4.2.2): the subject as RFC 5280 7.1
 * compares names, the alternative names one by one in their order; both may have none.
 */
bool berth_request_has_subject_of(const struct berth_request *request,
				  const struct berth_cert *cert);
bool berth_request_has_alternative_names_of(const struct berth_request *request,
					    const struct berth_cert *cert);
/* True when basicConstraints cA=TRUE, or a keyUsage/EKU beyond digitalSignature, keyAgreement, clientAuth, serverAuth is asked for. */
bool berth_request_asks_authority(const struct berth_request *request);
struct berth_bytes berth_request_challenge_password(const struct berth_request *request);
/* The digest of the requester's signature: "SHA256", "SHA384" or "SHA512"; static storage. */
const char *berth_request_digest(const struct berth_request *request);

/* What a new request says. Empty views are left out. */
struct berth_request_fields {
	struct berth_bytes
		subject; /* DER Name, as it stands in a certificate; then none of the next four */
	struct berth_bytes common_name;
	struct berth_bytes serial_number; /* X520 */
	struct berth_bytes organization;
	struct berth_bytes unit;
	const struct berth_bytes *dns_names;
	size_t dns_name_count;
	struct berth_bytes challenge_password;
};
enum berth_err berth_request_build(struct berth_pki *pki, const struct berth_request_fields *fields,
				   struct berth_key *key, struct berth_buf *der,
				   struct berth_why *why) BERTH_MUST;

#endif
