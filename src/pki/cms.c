/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opening SignedData. What is signed is the digest inside the signed attributes; a SignedData without
 * them could be passed off as another object's attributes, so it is refused (RFC 8366bis).
 */
#include "pki/cms.h"

#include <openssl/err.h>

#include "pki/cms_asn1.h"
#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define OID_SHOWN 80
#define VERSION_NEWEST 5 /* RFC 5652 5.1 */
#define SIGNED_DATA "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
#define EXPLICIT_0 0xa0

#define BERTH_CMS_INFO BERTH_CLEANUP(berth_cms_info_free_p) berth_cms_info

static struct berth_bytes
string_bytes(const ASN1_STRING *string)
{
	return berth_bytes_of(ASN1_STRING_get0_data(string), (size_t)ASN1_STRING_length(string));
}

static bool
is_oid(const ASN1_OBJECT *object, const char *wanted)
{
	char text[OID_SHOWN];

	return OBJ_obj2txt(text, sizeof(text), object, 1) > 0 && strcmp(text, wanted) == 0;
}

static enum berth_err
fail_oid(struct berth_why *why, const char *rule, const char *section, const ASN1_OBJECT *object,
	 const char *what)
{
	char text[OID_SHOWN] = "?";

	(void)OBJ_obj2txt(text, sizeof(text), object, 1);
	return berth_fail(why, BERTH_E_UNSUPPORTED, rule, section, "%s %s is not supported.", what,
			  text);
}

void
berth_cms_free(struct berth_cms *cms)
{
	berth_buf_free(&cms->content);
	berth_cert_free(cms->signer);
	cms->signer = NULL;
	berth_cert_list_free(&cms->certificates);
}

/* req: rfc8366-5.4-der */
static enum berth_err
check_der(struct berth_bytes der, struct berth_why *why)
{
	if (der.n > BERTH_CMS_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "cms-size", NULL,
				  "The CMS object has %zu bytes; %d are allowed.", der.n,
				  BERTH_CMS_MAX_BYTES);
	return berth_der_check(der, "cms-der", why);
}

/* The outer shell that signed objects and certs-only share. */
static enum berth_err
decode(struct berth_bytes der, berth_cms_info **ret, struct berth_why *why)
{
	const unsigned char *p = der.p;
	enum berth_err err = check_der(der, why);

	if (err)
		return err;
	struct berth_bytes rest = der, body, type;
	if (berth_der_take(&rest, BERTH_DER_SEQUENCE, &body) &&
	    berth_der_take(&body, BERTH_DER_OID, &type) &&
	    !berth_bytes_equal(type, BERTH_LIT(SIGNED_DATA)))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "cms-signed-data", "RFC 5652 5.1",
				  "The CMS object is not SignedData.");
	*ret = (berth_cms_info *)ASN1_item_d2i(NULL, &p, (long)der.n,
					       ASN1_ITEM_rptr(berth_cms_info));
	if (*ret == NULL)
		return berth_ossl_fail(why, BERTH_E_SYNTAX, "cms-syntax", "RFC 5652 5.1",
				       "The CMS object cannot be read");
	long version = ASN1_INTEGER_get((*ret)->data->version);
	if (version < 1 || version > VERSION_NEWEST)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "cms-version", "RFC 5652 5.1",
				  "SignedData version %ld is not known.", version);
	return BERTH_OK;
}

static enum berth_err
read_certificates(struct berth_pki *pki, const berth_cms_signed_data *data,
		  struct berth_cert_list *list, struct berth_why *why)
{
	for (int i = 0; i < sk_ASN1_TYPE_num(data->certificates); i++) {
		const ASN1_TYPE *choice = sk_ASN1_TYPE_value(data->certificates, i);
		BERTH_CERT *cert = NULL;
		if (choice->type != V_ASN1_SEQUENCE)
			return berth_fail(why, BERTH_E_UNSUPPORTED, "cms-certificate-kind",
					  "RFC 5652 10.2.2",
					  "The CMS object holds something other than X.509 "
					  "certificates.");
		enum berth_err err =
			berth_cert_parse(pki, string_bytes(choice->value.sequence), &cert, why);
		if (!err)
			err = berth_cert_list_add(list, cert, why);
		if (err)
			return err;
	}
	return BERTH_OK;
}

static bool
is_named(const berth_cms_sid *sid, const struct berth_cert *cert)
{
	if (sid->type == BERTH_CMS_SID_KEY_ID)
		return berth_bytes_equal(string_bytes(sid->value.key_id), berth_cert_ski(cert));
	const berth_cms_issuer_serial *name = sid->value.issuer_serial;
	return ASN1_INTEGER_cmp(name->serial,
				X509_get0_serialNumber(berth_cert_x509_keyless(cert))) == 0 &&
	       X509_NAME_cmp(name->issuer, X509_get_issuer_name(berth_cert_x509_keyless(cert))) ==
		       0;
}

static struct berth_cert *
find_signer(const berth_cms_sid *sid, const struct berth_cert_list *list)
{
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		if (is_named(sid, list->at[i]))
			return list->at[i];
	}
	return NULL;
}

/* Signer first, then each one's issuer as far as they are there, then the rest as it came. */
static enum berth_err
put_in_order(struct berth_cert_list *from, struct berth_cert *signer, struct berth_cert_list *ret,
	     struct berth_why *why)
{
	struct berth_cert *next = signer;

	while (next != NULL) {
		enum berth_err err = berth_cert_list_add(ret, next, why);
		if (err)
			return err;
		struct berth_cert *last = next;
		next = NULL;
		for (size_t i = 0; i < from->n && next == NULL; i++) {
			if (berth_bytes_equal(berth_cert_subject_der(from->at[i]),
					      berth_cert_issuer_der(last)) &&
			    !berth_cert_list_has(ret, from->at[i]))
				next = from->at[i];
		}
	}
	for (size_t i = 0; i < from->n; i++) {
		enum berth_err err = berth_cert_list_has(ret, from->at[i])
					     ? BERTH_OK
					     : berth_cert_list_add(ret, from->at[i], why);
		if (err)
			return err;
	}
	return BERTH_OK;
}

static const char *
digest_name(const X509_ALGOR *algorithm)
{
	const ASN1_OBJECT *object = NULL;

	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	switch (OBJ_obj2nid(object)) {
	case NID_sha256:
		return "SHA256";
	case NID_sha384:
		return "SHA384";
	case NID_sha512:
		return "SHA512";
	default:
		return NULL;
	}
}

/* The value of the only attribute of that kind (RFC 5652 11: never twice, one value). */
static enum berth_err
get_attribute(const berth_cms_attributes *attributes, int nid, const ASN1_TYPE **ret,
	      struct berth_why *why)
{
	int at = X509at_get_attr_by_NID(attributes, nid, -1);

	*ret = NULL;
	if (at < 0)
		return BERTH_OK;
	X509_ATTRIBUTE *attribute = sk_X509_ATTRIBUTE_value(attributes, at);
	if (X509at_get_attr_by_NID(attributes, nid, at) >= 0 ||
	    X509_ATTRIBUTE_count(attribute) != 1)
		return berth_fail(why, BERTH_E_SYNTAX, "cms-attribute-twice", "RFC 5652 5.3",
				  "The signed attribute %s stands twice.", OBJ_nid2ln(nid));
	*ret = X509_ATTRIBUTE_get0_type(attribute, 0);
	return BERTH_OK;
}

/* contentType must be that of the content; messageDigest that of its bytes (RFC 5652 5.4, 11.1, 11.2). */
static enum berth_err
check_attributes(struct berth_pki *pki, const berth_cms_signed_data *data,
		 const berth_cms_signer *signer, const char *digest, struct berth_why *why)
{
	const ASN1_TYPE *type = NULL;
	const ASN1_TYPE *sum = NULL;
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	enum berth_err err =
		get_attribute(signer->signed_attributes, NID_pkcs9_contentType, &type, why);
	if (!err)
		err = get_attribute(signer->signed_attributes, NID_pkcs9_messageDigest, &sum, why);
	if (err)
		return err;
	if (type == NULL || type->type != V_ASN1_OBJECT || sum == NULL ||
	    sum->type != V_ASN1_OCTET_STRING)
		return berth_fail(why, BERTH_E_SYNTAX, "cms-signed-attributes", "RFC 5652 5.3",
				  "The signed attributes lack contentType or messageDigest.");
	if (OBJ_cmp(type->value.object, data->econtent->type) != 0)
		return berth_fail(why, BERTH_E_SIGNATURE, "cms-content-type-attribute",
				  "RFC 5652 11.1",
				  "The signed contentType is not that of the content.");
	struct berth_bytes content = string_bytes(data->econtent->content);
	if (EVP_Digest(content.p, content.n, bytes, &n, berth_pki_digest(pki, digest), NULL) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "cms", NULL,
				       "The content cannot be hashed");
	if (!berth_bytes_equal(berth_bytes_of(bytes, n), string_bytes(sum->value.octet_string)))
		return berth_fail(why, BERTH_E_SIGNATURE, "cms-message-digest", "RFC 5652 11.2",
				  "The content is not the one that was signed.");
	return BERTH_OK;
}

static enum berth_err
get_signing_time(const berth_cms_signer *signer, struct berth_wall *ret, struct berth_why *why)
{
	const ASN1_TYPE *value = NULL;
	bool ok = false;

	enum berth_err err =
		get_attribute(signer->signed_attributes, NID_pkcs9_signingTime, &value, why);
	if (err || value == NULL)
		return err;
	if (value->type == V_ASN1_UTCTIME || value->type == V_ASN1_GENERALIZEDTIME)
		*ret = berth_asn1_wall(value->value.asn1_string, &ok);
	if (!ok)
		return berth_fail(why, BERTH_E_SYNTAX, "cms-signing-time", "RFC 5652 11.3",
				  "The signing time cannot be read.");
	return BERTH_OK;
}

/* ecdsa-with-SHA2 of the same digest, or RSA PKCS#1 1.5 with it; nothing else. */
static enum berth_err
check_algorithm(const berth_cms_signer *signer, const struct berth_key *key, const char *digest,
		struct berth_why *why)
{
	const ASN1_OBJECT *object = NULL;
	int md = NID_undef;
	int pk = NID_undef;
	bool is_ec = berth_key_kind_of(key)->group != NULL;

	X509_ALGOR_get0(&object, NULL, NULL, signer->algorithm);
	int nid = OBJ_obj2nid(object);
	if (nid == NID_rsaEncryption && !is_ec)
		return BERTH_OK;
	if (OBJ_find_sigid_algs(nid, &md, &pk) != 1 || md != OBJ_txt2nid(digest) ||
	    pk != (is_ec ? NID_X9_62_id_ecPublicKey : NID_rsaEncryption))
		return fail_oid(why, "cms-signature-algorithm", "RFC 5754 3", object,
				"For this key and digest, signature algorithm");
	return BERTH_OK;
}

static enum berth_err
check_signature(const berth_cms_signer *signer, struct berth_key *key, const char *digest,
		struct berth_why *why)
{
	unsigned char *signed_bytes = NULL;

	int n = ASN1_item_i2d((const ASN1_VALUE *)signer->signed_attributes, &signed_bytes,
			      ASN1_ITEM_rptr(berth_cms_attributes_check));
	if (n <= 0)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "cms", NULL,
				       "The signed attributes cannot be written");
	enum berth_err err =
		berth_key_verify_with(key, digest, berth_bytes_of(signed_bytes, (size_t)n),
				      string_bytes(signer->signature), NULL);
	OPENSSL_free(signed_bytes);
	return err == BERTH_E_SIGNATURE
		       ? berth_fail(why, err, "cms-signature", "RFC 5652 5.6",
				    "The signature is not that of the certificate it names.")
	       : err ? berth_fail(why, err, "cms-signature", "RFC 5652 5.6",
				  "The signature cannot be checked.")
		     : BERTH_OK;
}

/* What SignedData must look like to be a voucher's, before any certificate is read. */
/* req: rfc8366-5.4-signer, rfc8366-5.4-older */
static enum berth_err
check_shape(const berth_cms_signed_data *data, enum berth_cms_content *ret_type,
	    const char **ret_digest, struct berth_why *why)
{
	if (sk_berth_cms_signer_num(data->signers) != 1)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "cms-one-signer", "RFC 8366 5",
				  "The CMS object has %d signers; exactly one is expected.",
				  sk_berth_cms_signer_num(data->signers));
	if (is_oid(data->econtent->type, BERTH_OID_ANIMA_VOUCHER))
		*ret_type = BERTH_CMS_ANIMA_VOUCHER;
	else if (is_oid(data->econtent->type, BERTH_OID_DATA))
		*ret_type = BERTH_CMS_DATA;
	else
		return fail_oid(why, "cms-econtent-type", "RFC 8366 5", data->econtent->type,
				"Content type");
	if (data->econtent->content == NULL)
		return berth_fail(why, BERTH_E_SYNTAX, "cms-no-content", "RFC 8366 5",
				  "The CMS object has no content inside.");
	const berth_cms_signer *signer = sk_berth_cms_signer_value(data->signers, 0);
	if (sk_X509_ATTRIBUTE_num(signer->signed_attributes) <= 0)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "cms-no-signed-attributes",
				  "RFC 8366bis 6",
				  "The CMS object has no signed attributes; they are required.");
	*ret_digest = digest_name(signer->digest);
	if (*ret_digest == NULL)
		return fail_oid(why, "cms-digest", "RFC 5754 2", signer->digest->algorithm,
				"Digest algorithm");
	return BERTH_OK;
}

/* A keyUsage that is there must allow signing (RFC 5280 4.2.1.3). */
static enum berth_err
check_usage(const struct berth_cert *signer, struct berth_why *why)
{
	uint32_t usage = X509_get_key_usage(berth_cert_x509_keyless(signer));

	if ((usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0)
		return berth_fail(why, BERTH_E_UNTRUSTED, "cms-signer-key-usage",
				  "RFC 5280 4.2.1.3",
				  "The certificate of \"%.100s\" is not for signatures.",
				  berth_cert_subject_text(signer));
	return BERTH_OK;
}

static enum berth_err
open_signed(struct berth_pki *pki, const berth_cms_signed_data *data,
	    const struct berth_cert_list *extra, bool verify, struct berth_cms *cms,
	    struct berth_why *why)
{
	const char *digest = NULL;
	BERTH_CERT_LIST inside = {0};

	enum berth_err err = check_shape(data, &cms->content_type, &digest, why);
	if (!err)
		err = read_certificates(pki, data, &inside, why);
	if (err)
		return err;
	const berth_cms_signer *signer = sk_berth_cms_signer_value(data->signers, 0);
	struct berth_cert *cert = find_signer(signer->sid, &inside);
	if (cert == NULL)
		cert = find_signer(signer->sid, extra);
	if (cert == NULL)
		return berth_fail(why, BERTH_E_UNTRUSTED, "cms-signer-unknown", "RFC 5652 5.3",
				  "The signer's certificate is neither inside nor known.");
	err = check_usage(cert, why);
	if (!err)
		err = check_attributes(pki, data, signer, digest, why);
	if (!err)
		err = check_algorithm(signer, berth_cert_key(cert), digest, why);
	if (!err && verify)
		err = check_signature(signer, berth_cert_key(cert), digest, why);
	if (!err)
		err = get_signing_time(signer, &cms->signing_time, why);
	if (!err)
		err = put_in_order(&inside, cert, &cms->certificates, why);
	if (!err)
		err = berth_buf_append_bytes(&cms->content, string_bytes(data->econtent->content));
	if (!err)
		cms->signer = berth_cert_ref(cert);
	return err;
}

static enum berth_err
open_der(struct berth_pki *pki, struct berth_bytes der, const struct berth_cert_list *extra,
	 bool verify, struct berth_cms *ret, struct berth_why *why)
{
	BERTH_CMS_INFO *info = NULL;
	struct berth_cms cms = {0};

	enum berth_err err = decode(der, &info, why);
	if (!err)
		err = open_signed(pki, info->data, extra, verify, &cms, why);
	if (err) {
		berth_cms_free(&cms);
		return err;
	}
	*ret = cms;
	return BERTH_OK;
}

enum berth_err
berth_cms_open(struct berth_pki *pki, struct berth_bytes der, const struct berth_cert_list *extra,
	       struct berth_cms *ret, struct berth_why *why)
{
	return open_der(pki, der, extra, true, ret, why);
}

enum berth_err
berth_cms_reopen(struct berth_pki *pki, struct berth_bytes der, const struct berth_cert_list *extra,
		 struct berth_cms *ret, struct berth_why *why)
{
	return open_der(pki, der, extra, false, ret, why);
}

enum berth_err
berth_cms_content(struct berth_bytes der, struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_bytes info, type, outer, data, version, digests, inner, kind, wrapped, content;
	enum berth_err err = check_der(der, why);

	if (err)
		return err;
	/* RFC 5652 3, 5.1, 5.2 */
	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &info) ||
	    !berth_der_take(&info, BERTH_DER_OID, &type) ||
	    !berth_bytes_equal(type, BERTH_LIT(SIGNED_DATA)) ||
	    !berth_der_take(&info, EXPLICIT_0, &outer) ||
	    !berth_der_take(&outer, BERTH_DER_SEQUENCE, &data) ||
	    !berth_der_take(&data, BERTH_DER_INTEGER, &version) ||
	    !berth_der_take(&data, BERTH_DER_SET, &digests) ||
	    !berth_der_take(&data, BERTH_DER_SEQUENCE, &inner) ||
	    !berth_der_take(&inner, BERTH_DER_OID, &kind) ||
	    !berth_der_take(&inner, EXPLICIT_0, &wrapped) ||
	    !berth_der_take(&wrapped, BERTH_DER_OCTET_STRING, &content) || wrapped.n > 0)
		return berth_fail(why, BERTH_E_SYNTAX, "cms-no-content", "RFC 5652 5.2",
				  "The object is not SignedData with its content inside.");
	*ret = content;
	return BERTH_OK;
}

enum berth_err
berth_cms_certs_parse(struct berth_pki *pki, struct berth_bytes der, struct berth_cert_list *list,
		      struct berth_why *why)
{
	BERTH_CMS_INFO *info = NULL;
	BERTH_CERT_LIST inside = {0};

	enum berth_err err = decode(der, &info, why);
	if (!err)
		err = read_certificates(pki, info->data, &inside, why);
	if (err)
		return err;
	if (sk_berth_cms_signer_num(info->data->signers) != 0 ||
	    info->data->econtent->content != NULL)
		return berth_fail(why, BERTH_E_SYNTAX, "cms-certs-only", "RFC 7030 4.1.3",
				  "The CMS object has a signer or content; certificates only are "
				  "expected.");
	if (inside.n == 0 || list->n + inside.n > BERTH_CERT_LIST_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "cms-certs-only", "RFC 7030 4.1.3",
				  "The CMS object holds no certificate or too many (%zu).",
				  inside.n);
	for (size_t i = 0; i < inside.n && !err; i++)
		err = berth_cert_list_add(list, inside.at[i], why);
	return err;
}
