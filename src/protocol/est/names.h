/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a certificate will say of its holder, whoever that is, and whether a request asks for nothing else. The judge
 * asks with what it knows of the client, the signer again with what it knows by itself.
 *
 *	a device	CN = its id (model/device.h), serialNumber, O = the domain
 *	a user		CN = one of the user's names, O = the domain, dNSNames among the user's names
 *	by DPP		as a device, whatever the request calls it: nobody has told it its name
 *	a renewal	what the certificate to be renewed says, all of it
 *
 * The id is the commonName, because two makers may use the same serial number: subjects must not be equal.
 */
#ifndef BERTH_PROTOCOL_EST_NAMES_H
#define BERTH_PROTOCOL_EST_NAMES_H

#include "model/device.h"
#include "pki/csrattrs.h"
#include "pki/issue.h"

#define BERTH_EST_NAMES_MAX BERTH_REQUEST_NAMES_MAX

/* Views borrow from what it was made of, and common_name of a device from id: do not copy. */
struct berth_est_names {
	char id[BERTH_DEVICE_ID_MAX];
	struct berth_bytes common_name; /* empty: the request chooses one of dns_names */
	struct berth_bytes serial_number;
	struct berth_bytes organization;
	struct berth_bytes unit;
	struct berth_bytes dns_names[BERTH_EST_NAMES_MAX]; /* that may be asked for */
	size_t dns_name_count;
};

enum berth_err berth_est_names_of_device(struct berth_pki *pki, struct berth_bytes manufacturer_key,
					 struct berth_bytes serial_number,
					 struct berth_bytes organization,
					 struct berth_est_names *ret,
					 struct berth_why *why) BERTH_MUST;
/* Of the certificate that is to be renewed. */
enum berth_err berth_est_names_of_certificate(const struct berth_cert *cert,
					      struct berth_est_names *ret,
					      struct berth_why *why) BERTH_MUST;

/*
 * A first request: it names the client, and nothing of others; what it leaves out is put in. It asks for no authority
 * and answers attrs. Proof of possession was checked when it was parsed.
 */
enum berth_err berth_est_request_check(const struct berth_request *request,
				       const struct berth_csrattrs *attrs,
				       const struct berth_est_names *names,
				       struct berth_why *why) BERTH_MUST;
/* The same of a client that calls itself as it likes (DPP): its subject is not looked at, and none of it is issued. */
enum berth_err berth_est_unnamed_check(const struct berth_request *request,
				       const struct berth_csrattrs *attrs,
				       struct berth_why *why) BERTH_MUST;
/* A renewal: the subject and the alternative names are those of the certificate; the rest as above. */
enum berth_err berth_est_renewal_check(const struct berth_request *request,
				       const struct berth_csrattrs *attrs,
				       const struct berth_cert *renewed,
				       struct berth_why *why) BERTH_MUST;
/*
 * The template's names from both: the commonName, and of the alternative names those that were asked for.
 * dns_names: BERTH_EST_NAMES_MAX views to fill, that cert_template borrows.
 */
void berth_est_names_put(const struct berth_est_names *names, const struct berth_request *request,
			 struct berth_bytes *dns_names, struct berth_cert_template *cert_template);

#endif
