/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * X.509 certificates as Berth reads them, and the path check with purposes of our own: OpenSSL's
 * default purposes reject a registrar that carries only id-kp-cmcRA (RFC 8995 5.5.4), so paths are
 * checked with purpose "any" and the extended key usage is judged here.
 */
#ifndef BERTH_PKI_CERTIFICATE_H
#define BERTH_PKI_CERTIFICATE_H

#include "base/message.h"
#include "pki/key.h"

struct berth_cert;

#define BERTH_CERT_MAX_BYTES 16384 /* a certificate with many extensions takes 4 KiB */
#define BERTH_CERT_LIST_MAX 32	   /* anchors of one manufacturer, or certificates in one CMS */

/* DER, the whole input. Facts are read once here, a malformed extension that we read refuses the certificate. */
enum berth_err berth_cert_parse(struct berth_pki *pki, struct berth_bytes der,
				struct berth_cert **ret, struct berth_why *why) BERTH_MUST;
struct berth_cert *berth_cert_ref(struct berth_cert *cert);
void berth_cert_free(struct berth_cert *cert);
void berth_cert_freep(struct berth_cert **cert);
#define BERTH_CERT BERTH_CLEANUP(berth_cert_freep) struct berth_cert

/* All views borrow from the certificate; empty where the certificate has none. */
struct berth_bytes berth_cert_der(const struct berth_cert *cert);
struct berth_key *berth_cert_key(const struct berth_cert *cert); /* borrowed */
struct berth_bytes berth_cert_serial(
	const struct berth_cert *cert); /* magnitude, no leading zero */
struct berth_bytes berth_cert_subject_der(const struct berth_cert *cert);
struct berth_bytes berth_cert_issuer_der(const struct berth_cert *cert);
/* One line, RFC 2253 order and escaping, UTF-8; for people. */
const char *berth_cert_subject_text(const struct berth_cert *cert);
const char *berth_cert_issuer_text(const struct berth_cert *cert);
/* X520 attributes of the subject (the only one of its type; several of a type: empty). */
struct berth_bytes berth_cert_subject_serial_number(const struct berth_cert *cert);
struct berth_bytes berth_cert_subject_common_name(const struct berth_cert *cert);
struct berth_bytes berth_cert_subject_organization(const struct berth_cert *cert);
struct berth_bytes berth_cert_subject_unit(const struct berth_cert *cert);
/*
 * Whom people call the subject: its organization, else its commonName, else the whole of it. What has control
 * characters, or more than 64 characters may have, is passed over.
 */
struct berth_bytes berth_cert_party_name(const struct berth_cert *cert);
struct berth_wall berth_cert_not_before(const struct berth_cert *cert);
struct berth_wall berth_cert_not_after(const struct berth_cert *cert);
bool berth_cert_is_ca(const struct berth_cert *cert); /* basicConstraints cA */
/* A CA whose keyUsage lets it sign certificates and revocation lists. */
bool berth_cert_may_issue(const struct berth_cert *cert);
bool berth_cert_is_self_issued(const struct berth_cert *cert);
struct berth_bytes berth_cert_ski(const struct berth_cert *cert);
struct berth_bytes berth_cert_aki_key_id(const struct berth_cert *cert);
/* The content of the AKI extension's extnValue: DER SEQUENCE (8366bis idevid-issuer). */
struct berth_bytes berth_cert_aki_value(const struct berth_cert *cert);
struct berth_bytes berth_cert_masa_url(
	const struct berth_cert *cert); /* id-pe-masa-url, IA5String text */
struct berth_bytes berth_cert_mud_url(
	const struct berth_cert *cert); /* id-pe-mud-url, RFC 8520 11 */
/* True when it names a CRL (cRLDistributionPoints) or an OCSP responder (authorityInfoAccess, id-ad-ocsp). */
bool berth_cert_has_revocation_source(const struct berth_cert *cert);
/*
 * The first URL of its kind that begins with http:// (revocation data is signed, and fetching it over TLS would need
 * revocation data first): of a whole distribution point, id-ad-ocsp, id-ad-caIssuers. Empty: none.
 */
struct berth_bytes berth_cert_crl_url(const struct berth_cert *cert);
struct berth_bytes berth_cert_ocsp_url(const struct berth_cert *cert);
struct berth_bytes berth_cert_issuer_url(const struct berth_cert *cert);
/* hardwareModuleName SAN (RFC 4108): the hwSerialNum octets and the hwType OID as text. */
struct berth_bytes berth_cert_hw_serial(const struct berth_cert *cert);
const char *berth_cert_hw_type(const struct berth_cert *cert);
bool berth_cert_has_dns_name(const struct berth_cert *cert,
			     const char *host); /* RFC 9525, SAN only */

/* The i-th dNSName of the subjectAltName; empty past the end. */
struct berth_bytes berth_cert_dns_name(const struct berth_cert *cert, size_t i);

enum berth_eku {
	BERTH_EKU_SERVER_AUTH = 1,
	BERTH_EKU_CLIENT_AUTH = 2,
	BERTH_EKU_CMC_RA = 4, /* id-kp-cmcRA 1.3.6.1.5.5.7.3.28 */
	BERTH_EKU_OCSP_SIGN = 8,
	BERTH_EKU_ANY = 16, /* anyExtendedKeyUsage */
};
/* Bits of enum berth_eku; has_eku false means the certificate has no such extension (unrestricted). */
unsigned berth_cert_eku(const struct berth_cert *cert, bool *has_eku);

/*
 * domainID of RFC 8995 5.8.2: the SKI's key identifier where present (and not longer than 32 bytes), else SHA-256
 * of the SPKI. Written to id[32]; returns its length, 0 when the library failed.
 */
size_t berth_cert_domain_id(struct berth_pki *pki, const struct berth_cert *cert, uint8_t id[32]);
/*
 * False when its key identifier is no digest of its key (RFC 5280 4.2.1.2, RFC 7093): then it may be another's, copied.
 * True where it has none.
 */
bool berth_cert_ski_is_of_key(struct berth_pki *pki, const struct berth_cert *cert);

/* An owned list; {0} is empty. */
struct berth_cert_list {
	struct berth_cert *at[BERTH_CERT_LIST_MAX];
	size_t n;
};
void berth_cert_list_free(struct berth_cert_list *list);
#define BERTH_CERT_LIST BERTH_CLEANUP(berth_cert_list_free) struct berth_cert_list
/* Takes a reference. BERTH_E_LIMIT when full. */
enum berth_err berth_cert_list_add(struct berth_cert_list *list, struct berth_cert *cert,
				   struct berth_why *why) BERTH_MUST;
/* *to is emptied first; shares the certificates. On an error *to is empty. */
enum berth_err berth_cert_list_copy(struct berth_cert_list *to, const struct berth_cert_list *from,
				    struct berth_why *why) BERTH_MUST;
bool berth_cert_list_has(const struct berth_cert_list *list, const struct berth_cert *cert);
/*
 * A cross-certificate between two keys of one CA (RFC 4210 4.4) stands for this CA's own certificate: that of the same name
 * and key which another CA issued, or which is self-signed. cert itself where the list has none, or where it is no
 * cross-certificate.
 */
struct berth_cert *berth_cert_list_uncross(const struct berth_cert_list *list,
					   struct berth_cert *cert);
/* PEM bundle (text around is ignored) or one DER certificate; at least one. Appends. */
enum berth_err berth_cert_list_parse(struct berth_pki *pki, struct berth_bytes pem_or_der,
				     struct berth_cert_list *list,
				     struct berth_why *why) BERTH_MUST;
/* From a TLS peer's chain. */
enum berth_err berth_cert_list_from_chain(struct berth_pki *pki, const struct berth_bytes *der,
					  size_t n, struct berth_cert_list *list,
					  struct berth_why *why) BERTH_MUST;
enum berth_err berth_cert_append_pem(const struct berth_cert *cert,
				     struct berth_buf *out) BERTH_MUST;

/* What a path must satisfy. */
struct berth_path_check {
	const struct berth_cert *leaf;
	const struct berth_cert_list *untrusted; /* may be NULL */
	const struct berth_cert_list
		*anchors; /* any certificate here ends the path, CA or not (partial chain) */
	const struct berth_key *
		anchor_key; /* or: a path ends at a certificate with this key (RFC 8995 5.6.2); NULL */
	struct berth_wall at;
	bool ignore_time; /* only the pledge without a clock, and per-manufacturer IDevID tolerance */
	unsigned require_eku;	  /* bits the leaf must carry when it has an EKU extension */
	bool require_eku_present; /* and the extension must be there */
};
/*
 * Fills path (emptied first; leaf first, ends with the anchor) when not NULL. Errors: UNTRUSTED, EXPIRED, SIGNATURE. With
 * anchor_key the anchor is looked for in leaf and untrusted (put the pinned certificate there when the peer may not
 * send it); a leaf that has the key is a path by itself. Signatures below 112 bits (SHA-1, RSA-1024) are refused.
 */
enum berth_err berth_path_verify(struct berth_pki *pki, const struct berth_path_check *check,
				 struct berth_cert_list *path, struct berth_why *why) BERTH_MUST;

#endif
