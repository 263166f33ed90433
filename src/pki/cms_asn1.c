/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/cms_asn1.h"

/* clang-format off */
ASN1_SEQUENCE(berth_cms_issuer_serial) = {
	ASN1_SIMPLE(berth_cms_issuer_serial, issuer, X509_NAME),
	ASN1_SIMPLE(berth_cms_issuer_serial, serial, ASN1_INTEGER),
} static_ASN1_SEQUENCE_END(berth_cms_issuer_serial)

ASN1_CHOICE(berth_cms_sid) = {
	ASN1_SIMPLE(berth_cms_sid, value.issuer_serial, berth_cms_issuer_serial),
	ASN1_IMP(berth_cms_sid, value.key_id, ASN1_OCTET_STRING, 0),
} static_ASN1_CHOICE_END(berth_cms_sid)

ASN1_SEQUENCE(berth_cms_signer) = {
	ASN1_SIMPLE(berth_cms_signer, version, ASN1_INTEGER),
	ASN1_SIMPLE(berth_cms_signer, sid, berth_cms_sid),
	ASN1_SIMPLE(berth_cms_signer, digest, X509_ALGOR),
	ASN1_IMP_SET_OF_OPT(berth_cms_signer, signed_attributes, X509_ATTRIBUTE, 0),
	ASN1_SIMPLE(berth_cms_signer, algorithm, X509_ALGOR),
	ASN1_SIMPLE(berth_cms_signer, signature, ASN1_OCTET_STRING),
	ASN1_IMP_SET_OF_OPT(berth_cms_signer, unsigned_attributes, X509_ATTRIBUTE, 1),
} static_ASN1_SEQUENCE_END(berth_cms_signer)

ASN1_SEQUENCE(berth_cms_econtent) = {
	ASN1_SIMPLE(berth_cms_econtent, type, ASN1_OBJECT),
	ASN1_EXP_OPT(berth_cms_econtent, content, ASN1_OCTET_STRING, 0),
} static_ASN1_SEQUENCE_END(berth_cms_econtent)

ASN1_SEQUENCE(berth_cms_signed_data) = {
	ASN1_SIMPLE(berth_cms_signed_data, version, ASN1_INTEGER),
	ASN1_SET_OF(berth_cms_signed_data, digests, X509_ALGOR),
	ASN1_SIMPLE(berth_cms_signed_data, econtent, berth_cms_econtent),
	ASN1_IMP_SET_OF_OPT(berth_cms_signed_data, certificates, ASN1_ANY, 0),
	ASN1_IMP_SET_OF_OPT(berth_cms_signed_data, crls, ASN1_ANY, 1),
	ASN1_SET_OF(berth_cms_signed_data, signers, berth_cms_signer),
} static_ASN1_SEQUENCE_END(berth_cms_signed_data)

ASN1_SEQUENCE(berth_cms_info) = {
	ASN1_SIMPLE(berth_cms_info, type, ASN1_OBJECT),
	ASN1_EXP(berth_cms_info, data, berth_cms_signed_data, 0),
} ASN1_SEQUENCE_END(berth_cms_info)

ASN1_ITEM_TEMPLATE(berth_cms_attributes_check) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SEQUENCE_OF | ASN1_TFLG_IMPTAG | ASN1_TFLG_UNIVERSAL,
			      V_ASN1_SET, attributes, X509_ATTRIBUTE)
ASN1_ITEM_TEMPLATE_END(berth_cms_attributes_check)
	/* clang-format on */
