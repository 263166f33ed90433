/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ASN.1 of RFC 5652 5 as OpenSSL templates, for reading (cms_build.c writes). Certificates stay undecoded here, so that each is
 * decoded once, by berth_cert_parse; and the signed attributes can be written again for the check.
 */
#ifndef BERTH_PKI_CMS_ASN1_H
#define BERTH_PKI_CMS_ASN1_H

#include <openssl/asn1t.h>
#include <openssl/x509.h>

#define BERTH_OID_DATA "1.2.840.113549.1.7.1"
#define BERTH_OID_ANIMA_VOUCHER "1.2.840.113549.1.9.16.1.40"

typedef struct {
	X509_NAME *issuer;
	ASN1_INTEGER *serial;
} berth_cms_issuer_serial;

enum { BERTH_CMS_SID_ISSUER_SERIAL, BERTH_CMS_SID_KEY_ID };

typedef struct {
	int type;
	union {
		berth_cms_issuer_serial *issuer_serial;
		ASN1_OCTET_STRING *key_id;
	} value;
} berth_cms_sid;

typedef STACK_OF(X509_ATTRIBUTE) berth_cms_attributes;

typedef struct {
	ASN1_INTEGER *version;
	berth_cms_sid *sid;
	X509_ALGOR *digest;
	berth_cms_attributes *signed_attributes;
	X509_ALGOR *algorithm;
	ASN1_OCTET_STRING *signature;
	berth_cms_attributes *unsigned_attributes;
} berth_cms_signer;
DEFINE_STACK_OF(berth_cms_signer)

typedef struct {
	ASN1_OBJECT *type;
	ASN1_OCTET_STRING *content; /* NULL: certs-only */
} berth_cms_econtent;

typedef struct {
	ASN1_INTEGER *version;
	STACK_OF(X509_ALGOR) * digests;
	berth_cms_econtent *econtent;
	STACK_OF(ASN1_TYPE) * certificates; /* NULL: none */
	STACK_OF(ASN1_TYPE) * crls;	    /* NULL: none; not looked at */
	STACK_OF(berth_cms_signer) * signers;
} berth_cms_signed_data;

typedef struct {
	ASN1_OBJECT *type;
	berth_cms_signed_data *data;
} berth_cms_info;

DECLARE_ASN1_ITEM(berth_cms_info)
/* SET OF Attribute, in the order received. */
DECLARE_ASN1_ITEM(berth_cms_attributes_check)

static inline void
berth_cms_info_free_p(berth_cms_info **info)
{
	ASN1_item_free((ASN1_VALUE *)*info, ASN1_ITEM_rptr(berth_cms_info));
}

#endif
