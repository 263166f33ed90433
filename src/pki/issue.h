/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Issuing certificates from a template. Every certificate is parsed again and compared with its
 * template by berth_issue itself before it is released (lint): a certificate that does not say what
 * was meant never leaves.
 */
#ifndef BERTH_PKI_ISSUE_H
#define BERTH_PKI_ISSUE_H

#include "pki/certificate.h"

enum berth_cert_profile {
	BERTH_PROFILE_ROOT_CA,	  /* self-signed */
	BERTH_PROFILE_ISSUING_CA, /* pathlen 0 */
	BERTH_PROFILE_IDEVID, /* 802.1AR: no keyUsage restriction, notAfter 9999, MASA URL, MUD URL, hardwareModuleName */
	BERTH_PROFILE_LDEVID,	     /* clientAuth; serialNumber of the device */
	BERTH_PROFILE_LDEVID_SERVER, /* the same with serverAuth: a device that is asked too */
	BERTH_PROFILE_REGISTRAR,     /* serverAuth, clientAuth, cmcRA; dNSName; SKI */
	BERTH_PROFILE_SERVER,	     /* serverAuth; dNSName (MASA TLS ...) */
	BERTH_PROFILE_MASA_SIGNER,   /* digitalSignature, no EKU */
	BERTH_PROFILE_MANIFEST_SIGNER,
	BERTH_PROFILE_OCSP_SIGNER, /* OCSPSigning alone, id-pkix-ocsp-nocheck: must be short-lived */
	BERTH_PROFILE_ROLE, /* clientAuth; role name in OU (gateway, radius, service, admin) */
	BERTH_PROFILE_CROSS_CA, /* an issuing CA's name, of one of its keys, signed by another of them */
};

#define BERTH_CERT_SERIAL_BYTES 16 /* random, top bit clear, never zero (RFC 5280 4.1.2.2) */

struct berth_cert_template {
	enum berth_cert_profile profile;
	uint8_t serial[BERTH_CERT_SERIAL_BYTES];
	struct berth_wall not_before;
	struct berth_wall not_after;
	struct berth_bytes common_name;
	struct berth_bytes serial_number; /* X520, IDevID and LDevID */
	struct berth_bytes organization;
	struct berth_bytes unit;
	const struct berth_bytes *dns_names;
	size_t dns_name_count;
	struct berth_bytes masa_url;
	struct berth_bytes mud_url;
	/* Where its revocation is published and its issuer's certificate; http:// URLs; empty: not said. */
	struct berth_bytes crl_url;
	struct berth_bytes ocsp_url;
	struct berth_bytes issuer_url;
	const char *hw_type; /* OID text, NULL: no hardwareModuleName */
	struct berth_bytes hw_serial;
	const struct berth_key *key; /* subject's public key */
};

/* issuer NULL: self-signed with issuer_key (template->key must equal it). Releases DER after lint. */
enum berth_err berth_issue(struct berth_pki *pki, const struct berth_cert_template *cert_template,
			   const struct berth_cert *issuer, struct berth_key *issuer_key,
			   struct berth_buf *der, struct berth_why *why) BERTH_MUST;
/*
 * The lint alone: der says what the template says and nothing else, byte for byte, and is signed by issuer_key (of a profile
 * whose holder checks that itself, only that is left to it).
 */
enum berth_err berth_issue_lint(struct berth_pki *pki,
				const struct berth_cert_template *cert_template,
				const struct berth_cert *issuer, struct berth_key *issuer_key,
				struct berth_bytes der, struct berth_why *why) BERTH_MUST;

#endif
