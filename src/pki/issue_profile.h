/* SPDX-License-Identifier: BSD-2-Clause */
/* What each profile of issue.h means; read by the issuer and, separately, by the lint. */
#ifndef BERTH_PKI_ISSUE_PROFILE_H
#define BERTH_PKI_ISSUE_PROFILE_H

#include <openssl/x509.h>

#include "pki/issue.h"

struct berth_profile_rule {
	bool is_ca;
	int path_length;    /* -1: none said */
	unsigned key_usage; /* first octet of the BIT STRING; 0: no extension */
	unsigned eku;	    /* enum berth_eku; 0: no extension */
	bool no_check;	    /* id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1) */
	/* Its holder verifies it when it comes, and asks again: the lint leaves the signature to it. */
	bool is_judged_at_once;
};
const struct berth_profile_rule *berth_profile_rule(enum berth_cert_profile profile);

/* issue_sources.c: cRLDistributionPoints and authorityInfoAccess. */
enum berth_err berth_issue_put_sources(const struct berth_cert_template *wanted, X509 *x509,
				       struct berth_why *why) BERTH_MUST;

#endif
