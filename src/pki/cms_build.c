/* SPDX-License-Identifier: BSD-2-Clause */
#include <time.h>

#include <openssl/err.h>

#include "pki/cms.h"
#include "pki/cms_asn1.h"
#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define BERTH_CMS_INFO BERTH_CLEANUP(berth_cms_info_free_p) berth_cms_info

static enum berth_err
fail_build(struct berth_why *why)
{
	return berth_ossl_fail(why, BERTH_E_CRYPTO, "cms-build", "RFC 5652 5",
			       "The CMS object cannot be built");
}

static bool
set_object(ASN1_OBJECT **slot, const char *oid)
{
	ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);

	if (object == NULL)
		return false;
	ASN1_OBJECT_free(*slot);
	*slot = object;
	return true;
}

static bool
push_certificate(berth_cms_signed_data *data, struct berth_bytes der)
{
	ASN1_STRING *sequence = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
	ASN1_TYPE *choice = ASN1_TYPE_new();

	if (data->certificates == NULL)
		data->certificates = sk_ASN1_TYPE_new_null();
	if (sequence == NULL || choice == NULL || data->certificates == NULL ||
	    ASN1_STRING_set(sequence, der.p, (int)der.n) != 1) {
		ASN1_STRING_free(sequence);
		ASN1_TYPE_free(choice);
		return false;
	}
	ASN1_TYPE_set(choice, V_ASN1_SEQUENCE, sequence);
	if (sk_ASN1_TYPE_push(data->certificates, choice) > 0)
		return true;
	ASN1_TYPE_free(choice);
	return false;
}

static bool
push_certificates(berth_cms_signed_data *data, const struct berth_cert_list *list)
{
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		if (!push_certificate(data, berth_cert_der(list->at[i])))
			return false;
	}
	return true;
}

/* Takes value over. */
static bool
push_attribute(berth_cms_attributes **attributes, int nid, int type, void *value)
{
	X509_ATTRIBUTE *attribute = X509_ATTRIBUTE_new();
	ASN1_TYPE *any = ASN1_TYPE_new();

	if (any != NULL && value != NULL)
		ASN1_TYPE_set(any, type, value);
	BERTH_OSSL(X509_ATTRIBUTE) *made = attribute;
	BERTH_OSSL(ASN1_TYPE) *held = any;
	if (value == NULL || made == NULL || held == NULL || *attributes == NULL)
		return false;
	/* -1: the value is an ASN1_TYPE's own string or object, copied */
	if (X509_ATTRIBUTE_set1_object(made, OBJ_nid2obj(nid)) != 1 ||
	    X509_ATTRIBUTE_set1_data(made, type,
				     type == V_ASN1_OBJECT ? (const void *)held->value.object
							   : (const void *)held->value.asn1_string,
				     -1) != 1 ||
	    sk_X509_ATTRIBUTE_push(*attributes, made) <= 0)
		return false;
	made = NULL;
	return true;
}

static ASN1_OCTET_STRING *
message_digest(struct berth_pki *pki, const struct berth_cms_fields *fields)
{
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	const char *digest = berth_key_kind_of(fields->key)->digest;
	ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();

	if (string != NULL &&
	    EVP_Digest(fields->content.p, fields->content.n, bytes, &n,
		       berth_pki_digest(pki, digest), NULL) == 1 &&
	    ASN1_OCTET_STRING_set(string, bytes, (int)n) == 1)
		return string;
	ASN1_OCTET_STRING_free(string);
	return NULL;
}

static bool
put_attributes(struct berth_pki *pki, const struct berth_cms_fields *fields,
	       const ASN1_OBJECT *content_type, berth_cms_signer *signer)
{
	signer->signed_attributes = sk_X509_ATTRIBUTE_new_null();
	if (!push_attribute(&signer->signed_attributes, NID_pkcs9_contentType, V_ASN1_OBJECT,
			    OBJ_dup(content_type)) ||
	    !push_attribute(&signer->signed_attributes, NID_pkcs9_messageDigest,
			    V_ASN1_OCTET_STRING, message_digest(pki, fields)))
		return false;
	if (fields->omit_signing_time)
		return true;
	/* RFC 5652 11.3: UTCTime up to 2049, which is what ASN1_TIME_set does */
	ASN1_TIME *at = ASN1_TIME_set(NULL, (time_t)fields->signing_time.s);
	return at != NULL && push_attribute(&signer->signed_attributes, NID_pkcs9_signingTime,
					    ASN1_STRING_type(at), at);
}

static bool
put_algorithms(const struct berth_cms_fields *fields, berth_cms_signed_data *data,
	       berth_cms_signer *signer)
{
	const struct berth_key_kind *kind = berth_key_kind_of(fields->key);
	X509_ALGOR *digest = X509_ALGOR_new();

	if (digest == NULL || sk_X509_ALGOR_push(data->digests, digest) <= 0) {
		X509_ALGOR_free(digest);
		return false;
	}
	/* RFC 5754 2, 3.3: parameters absent, but NULL for RSA */
	int md = OBJ_txt2nid(kind->digest);
	int parameters = kind->group == NULL ? V_ASN1_NULL : V_ASN1_UNDEF;
	return X509_ALGOR_set0(digest, OBJ_nid2obj(md), V_ASN1_UNDEF, NULL) == 1 &&
	       X509_ALGOR_set0(signer->digest, OBJ_nid2obj(md), V_ASN1_UNDEF, NULL) == 1 &&
	       X509_ALGOR_set0(signer->algorithm, OBJ_nid2obj(kind->signature_nid), parameters,
			       NULL) == 1;
}

static bool
put_signer_id(const struct berth_cert *cert, berth_cms_signer *signer)
{
	const X509 *x509 = berth_cert_x509_keyless(cert);
	berth_cms_sid *sid = signer->sid;

	sid->value.issuer_serial = OPENSSL_zalloc(sizeof(*sid->value.issuer_serial));
	sid->type = BERTH_CMS_SID_ISSUER_SERIAL;
	if (sid->value.issuer_serial == NULL)
		return false;
	sid->value.issuer_serial->issuer = X509_NAME_dup(X509_get_issuer_name(x509));
	sid->value.issuer_serial->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(x509));
	return sid->value.issuer_serial->issuer != NULL && sid->value.issuer_serial->serial != NULL;
}

static enum berth_err
put_signature(const struct berth_cms_fields *fields, berth_cms_signer *signer,
	      struct berth_why *why)
{
	BERTH_BUF signature = {0};
	unsigned char *signed_bytes = NULL;

	int n = ASN1_item_i2d((const ASN1_VALUE *)signer->signed_attributes, &signed_bytes,
			      ASN1_ITEM_rptr(berth_cms_attributes_sign));
	if (n <= 0)
		return fail_build(why);
	enum berth_err err = berth_key_sign(fields->key, berth_bytes_of(signed_bytes, (size_t)n),
					    &signature, why);
	OPENSSL_free(signed_bytes);
	if (err)
		return err;
	return ASN1_OCTET_STRING_set(signer->signature, signature.p, (int)signature.n) == 1
		       ? BERTH_OK
		       : fail_build(why);
}

static enum berth_err
write_der(const berth_cms_info *info, struct berth_buf *der, struct berth_why *why)
{
	unsigned char *bytes = NULL;

	int n = ASN1_item_i2d((const ASN1_VALUE *)info, &bytes, ASN1_ITEM_rptr(berth_cms_info));
	if (n <= 0)
		return fail_build(why);
	enum berth_err err =
		n > BERTH_CMS_MAX_BYTES
			? berth_fail(why, BERTH_E_LIMIT, "cms-size", NULL,
				     "The CMS object would have %d bytes; %d are allowed.", n,
				     BERTH_CMS_MAX_BYTES)
			: berth_buf_append(der, bytes, (size_t)n);
	OPENSSL_free(bytes);
	return err;
}

static berth_cms_info *
new_info(const char *content_type, long version)
{
	berth_cms_info *info = (berth_cms_info *)ASN1_item_new(ASN1_ITEM_rptr(berth_cms_info));

	if (info != NULL && set_object(&info->type, BERTH_OID_SIGNED_DATA) &&
	    set_object(&info->data->econtent->type, content_type) &&
	    ASN1_INTEGER_set(info->data->version, version) == 1)
		return info;
	berth_cms_info_free_p(&info);
	return NULL;
}

enum berth_err
berth_cms_sign(struct berth_pki *pki, const struct berth_cms_fields *fields, struct berth_buf *der,
	       struct berth_why *why)
{
	bool is_data = fields->content_type == BERTH_CMS_DATA;

	if (!berth_key_equal(fields->key, berth_cert_key(fields->signer)))
		return berth_fail(why, BERTH_E_MISMATCH, "cms-signer-key", NULL,
				  "The key does not belong to the certificate of \"%.100s\".",
				  berth_cert_subject_text(fields->signer));
	/* RFC 5652 5.1: version 3 when the content is not id-data */
	BERTH_CMS_INFO *info =
		new_info(is_data ? BERTH_OID_DATA : BERTH_OID_ANIMA_VOUCHER, is_data ? 1 : 3);
	berth_cms_signer *signer =
		(berth_cms_signer *)ASN1_item_new(ASN1_ITEM_rptr(berth_cms_signer));
	if (info == NULL || signer == NULL ||
	    sk_berth_cms_signer_push(info->data->signers, signer) <= 0) {
		ASN1_item_free((ASN1_VALUE *)signer, ASN1_ITEM_rptr(berth_cms_signer));
		return fail_build(why);
	}
	berth_cms_signed_data *data = info->data;
	data->econtent->content = ASN1_OCTET_STRING_new();
	if (data->econtent->content == NULL ||
	    ASN1_OCTET_STRING_set(data->econtent->content, fields->content.p,
				  (int)fields->content.n) != 1 ||
	    ASN1_INTEGER_set(signer->version, 1) != 1 || !put_signer_id(fields->signer, signer) ||
	    !put_algorithms(fields, data, signer) ||
	    !put_attributes(pki, fields, data->econtent->type, signer) ||
	    !push_certificate(data, berth_cert_der(fields->signer)) ||
	    !push_certificates(data, fields->others))
		return fail_build(why);
	enum berth_err err = put_signature(fields, signer, why);
	return err ? err : write_der(info, der, why);
}

enum berth_err
berth_cms_certs_build(struct berth_pki *pki, const struct berth_cert_list *list,
		      struct berth_buf *der, struct berth_why *why)
{
	(void)pki;
	if (list->n == 0)
		return berth_fail(why, BERTH_E_USAGE, "cms-certs-only", "RFC 7030 4.1.3",
				  "There is no certificate to send.");
	BERTH_CMS_INFO *info = new_info(BERTH_OID_DATA, 1);
	if (info == NULL || !push_certificates(info->data, list))
		return fail_build(why);
	return write_der(info, der, why);
}

enum berth_err
berth_cms_certs_wrap(struct berth_bytes certificate, struct berth_buf *der, struct berth_why *why)
{
	enum berth_err err = berth_der_check(certificate, "cms-certs-only", why);
	if (err)
		return err;
	BERTH_CMS_INFO *info = new_info(BERTH_OID_DATA, 1);
	if (info == NULL || !push_certificate(info->data, certificate))
		return fail_build(why);
	return write_der(info, der, why);
}
