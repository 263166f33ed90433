/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing SignedData, from the inside out. OpenSSL's templates, which read it, would copy every certificate and name four times
 * on the way.
 */
#include <time.h>

#include <openssl/err.h>

#include "pki/cms.h"
#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define EXPLICIT_0 0xa0 /* or an implicit SET [0] */
#define PKCS7 "\x2a\x86\x48\x86\xf7\x0d\x01\x07"
#define DATA PKCS7 "\x01"
#define SIGNED_DATA PKCS7 "\x02"
#define ANIMA_VOUCHER "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x28"
#define DER_NULL 0x05

static enum berth_err
fail_build(enum berth_err err, struct berth_why *why)
{
	if (err == BERTH_E_LIMIT)
		return berth_fail(why, err, "cms-size", NULL,
				  "The CMS object would have more than %d bytes.",
				  BERTH_CMS_MAX_BYTES);
	return berth_ossl_fail(why, err, "cms-build", "RFC 5652 5",
			       "The CMS object cannot be built");
}

/* What is in buf becomes the value of one element. */
static enum berth_err
wrap(struct berth_buf *buf, uint8_t tag)
{
	BERTH_BUF inside = *buf;

	*buf = (struct berth_buf){0};
	return berth_der_put(buf, tag, berth_buf_view(&inside));
}

static enum berth_err
put_oid(struct berth_buf *out, int nid)
{
	const ASN1_OBJECT *object = OBJ_nid2obj(nid);

	return berth_der_put(out, BERTH_DER_OID,
			     berth_bytes_of(OBJ_get0_data(object), OBJ_length(object)));
}

/* RFC 5754 2, 3.3: parameters absent, but NULL for a signature by RSA. */
static enum berth_err
put_algorithm(struct berth_buf *out, int nid, bool has_null)
{
	BERTH_BUF body = {0};
	enum berth_err err = put_oid(&body, nid);

	if (!err && has_null)
		err = berth_der_put(&body, DER_NULL, BERTH_BYTES_NONE);
	return err ? err : berth_der_put(out, BERTH_DER_SEQUENCE, berth_buf_view(&body));
}

/* ---- certificates ---- */

/* X.690 11.6: as if the shorter one ended in zeros, which DER of another length never equals. */
static bool
is_before(struct berth_bytes a, struct berth_bytes b)
{
	int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

	return order < 0 || (order == 0 && a.n < b.n);
}

struct der_set {
	struct berth_bytes at[BERTH_CERT_LIST_MAX + 1];
	size_t n;
};

static enum berth_err
add_in_order(struct der_set *set, struct berth_bytes der)
{
	size_t i = set->n;

	if (set->n == sizeof(set->at) / sizeof(set->at[0]))
		return BERTH_E_LIMIT;
	for (; i > 0 && is_before(der, set->at[i - 1]); i--)
		set->at[i] = set->at[i - 1];
	set->at[i] = der;
	set->n++;
	return BERTH_OK;
}

static enum berth_err
add_list(struct der_set *set, const struct berth_cert_list *list)
{
	enum berth_err err = BERTH_OK;

	for (size_t i = 0; !err && list != NULL && i < list->n; i++)
		err = add_in_order(set, berth_cert_der(list->at[i]));
	return err;
}

/* ---- SignedData ---- */

/* The contents of its SETs and its content's SEQUENCE, RFC 5652 5.1. */
struct signed_data {
	uint8_t version;
	struct berth_buf digests, content, signers;
	struct der_set certificates;
};

static void
signed_data_end(struct signed_data *data)
{
	berth_buf_free(&data->digests);
	berth_buf_free(&data->content);
	berth_buf_free(&data->signers);
}

#define SIGNED_DATA_PARTS BERTH_CLEANUP(signed_data_end) struct signed_data

static enum berth_err
write_der(const struct signed_data *data, struct berth_buf *der, struct berth_why *why)
{
	BERTH_BUF certificates = {0};
	BERTH_BUF body = {0};
	BERTH_BUF info = {0};
	enum berth_err err =
		berth_der_put(&body, BERTH_DER_INTEGER, berth_bytes_of(&data->version, 1));

	for (size_t i = 0; !err && i < data->certificates.n; i++)
		err = berth_buf_append_bytes(&certificates, data->certificates.at[i]);
	err = err ? err : berth_der_put(&body, BERTH_DER_SET, berth_buf_view(&data->digests));
	err = err ? err : berth_der_put(&body, BERTH_DER_SEQUENCE, berth_buf_view(&data->content));
	err = err ? err : berth_der_put(&body, EXPLICIT_0, berth_buf_view(&certificates));
	err = err ? err : berth_der_put(&body, BERTH_DER_SET, berth_buf_view(&data->signers));
	err = err ? err : wrap(&body, BERTH_DER_SEQUENCE);
	err = err ? err : berth_der_put(&info, BERTH_DER_OID, BERTH_LIT(SIGNED_DATA));
	err = err ? err : berth_der_put(&info, EXPLICIT_0, berth_buf_view(&body));
	err = err ? err : wrap(&info, BERTH_DER_SEQUENCE);
	if (!err && info.n > BERTH_CMS_MAX_BYTES)
		err = BERTH_E_LIMIT;
	if (err)
		return fail_build(err, why);
	return berth_buf_append_bytes(der, berth_buf_view(&info));
}

/* ---- the signer ---- */

static enum berth_err
put_attribute(struct berth_buf *out, int nid, uint8_t tag, struct berth_bytes value)
{
	BERTH_BUF values = {0};
	BERTH_BUF body = {0};
	enum berth_err err = berth_der_put(&values, tag, value);

	err = err ? err : put_oid(&body, nid);
	err = err ? err : berth_der_put(&body, BERTH_DER_SET, berth_buf_view(&values));
	return err ? err : berth_der_put(out, BERTH_DER_SEQUENCE, berth_buf_view(&body));
}

/* RFC 5652 11.3: UTCTime up to 2049, which is what ASN1_TIME_set does. */
static enum berth_err
put_signing_time(struct berth_buf *out, struct berth_wall at)
{
	BERTH_OSSL(ASN1_TIME) *time = ASN1_TIME_set(NULL, (time_t)at.s);

	if (time == NULL)
		return BERTH_E_CRYPTO;
	return put_attribute(
		out, NID_pkcs9_signingTime, (uint8_t)ASN1_STRING_type(time),
		berth_bytes_of(ASN1_STRING_get0_data(time), (size_t)ASN1_STRING_length(time)));
}

/* In the order of DER's SET, which is that of their lengths: 24 or 26 octets, 28 or 30, 47 and more. */
static enum berth_err
put_attributes(struct berth_pki *pki, const struct berth_cms_fields *fields,
	       struct berth_bytes type, struct berth_buf *out)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	const EVP_MD *md = berth_pki_digest(pki, berth_key_kind_of(fields->key)->digest);
	enum berth_err err = put_attribute(out, NID_pkcs9_contentType, BERTH_DER_OID, type);

	if (!err && !fields->omit_signing_time)
		err = put_signing_time(out, fields->signing_time);
	if (!err && EVP_Digest(fields->content.p, fields->content.n, sum, &n, md, NULL) != 1)
		err = BERTH_E_CRYPTO;
	return err ? err
		   : put_attribute(out, NID_pkcs9_messageDigest, BERTH_DER_OCTET_STRING,
				   berth_bytes_of(sum, n));
}

/* IssuerAndSerialNumber, as the certificate has them. */
static enum berth_err
put_signer_id(const struct berth_cert *cert, struct berth_buf *out)
{
	struct berth_bytes der = berth_cert_der(cert);
	struct berth_bytes body, tbs;
	struct berth_der version, serial;
	BERTH_BUF id = {0};

	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &body) ||
	    !berth_der_take(&body, BERTH_DER_SEQUENCE, &tbs) || !berth_der_next(&tbs, &version) ||
	    !berth_der_next(&tbs, &serial))
		return BERTH_E_CRYPTO;
	enum berth_err err = berth_buf_append_bytes(&id, berth_cert_issuer_der(cert));
	err = err ? err : berth_buf_append_bytes(&id, serial.whole);
	return err ? err : berth_der_put(out, BERTH_DER_SEQUENCE, berth_buf_view(&id));
}

static enum berth_err
put_signer(const struct berth_cms_fields *fields, struct berth_bytes attributes,
	   struct berth_bytes signature, struct berth_buf *out)
{
	const struct berth_key_kind *kind = berth_key_kind_of(fields->key);
	BERTH_BUF body = {0};
	enum berth_err err = berth_der_put(&body, BERTH_DER_INTEGER, BERTH_LIT("\x01"));

	err = err ? err : put_signer_id(fields->signer, &body);
	err = err ? err : put_algorithm(&body, OBJ_txt2nid(kind->digest), false);
	err = err ? err : berth_der_put(&body, EXPLICIT_0, attributes);
	err = err ? err : put_algorithm(&body, kind->signature_nid, kind->group == NULL);
	err = err ? err : berth_der_put(&body, BERTH_DER_OCTET_STRING, signature);
	return err ? err : berth_der_put(out, BERTH_DER_SEQUENCE, berth_buf_view(&body));
}

/* RFC 5652 5.4: what is signed has the tag of a SET, what is sent that of [0]. */
static enum berth_err
sign(struct berth_pki *pki, const struct berth_cms_fields *fields, struct berth_bytes type,
     struct berth_buf *signers, struct berth_why *why)
{
	BERTH_BUF attributes = {0};
	BERTH_BUF message = {0};
	BERTH_BUF signature = {0};
	enum berth_err err = put_attributes(pki, fields, type, &attributes);

	err = err ? err : berth_der_put(&message, BERTH_DER_SET, berth_buf_view(&attributes));
	if (err)
		return fail_build(err, why);
	err = berth_key_sign(fields->key, berth_buf_view(&message), &signature, why);
	if (err)
		return err;
	err = put_signer(fields, berth_buf_view(&attributes), berth_buf_view(&signature), signers);
	return err ? fail_build(err, why) : BERTH_OK;
}

static enum berth_err
put_content(struct berth_bytes type, struct berth_bytes content, struct berth_buf *out)
{
	BERTH_BUF inside = {0};
	enum berth_err err = berth_der_put(out, BERTH_DER_OID, type);

	err = err ? err : berth_der_put(&inside, BERTH_DER_OCTET_STRING, content);
	return err ? err : berth_der_put(out, EXPLICIT_0, berth_buf_view(&inside));
}

enum berth_err
berth_cms_sign(struct berth_pki *pki, const struct berth_cms_fields *fields, struct berth_buf *der,
	       struct berth_why *why)
{
	const bool is_data = fields->content_type == BERTH_CMS_DATA;
	const struct berth_bytes type = is_data ? BERTH_LIT(DATA) : BERTH_LIT(ANIMA_VOUCHER);
	/* RFC 5652 5.1: version 3 when the content is not id-data */
	SIGNED_DATA_PARTS data = {.version = is_data ? 1 : 3};

	if (!berth_key_equal(fields->key, berth_cert_key(fields->signer)))
		return berth_fail(why, BERTH_E_MISMATCH, "cms-signer-key", NULL,
				  "The key does not belong to the certificate of \"%.100s\".",
				  berth_cert_subject_text(fields->signer));
	enum berth_err err = put_algorithm(
		&data.digests, OBJ_txt2nid(berth_key_kind_of(fields->key)->digest), false);
	err = err ? err : put_content(type, fields->content, &data.content);
	err = err ? err : add_in_order(&data.certificates, berth_cert_der(fields->signer));
	err = err ? err : add_list(&data.certificates, fields->others);
	if (err)
		return fail_build(err, why);
	err = sign(pki, fields, type, &data.signers, why);
	return err ? err : write_der(&data, der, why);
}

/* ---- certificates only ---- */

static enum berth_err
write_certificates(struct signed_data *data, struct berth_buf *der, struct berth_why *why)
{
	enum berth_err err = berth_der_put(&data->content, BERTH_DER_OID, BERTH_LIT(DATA));

	return err ? fail_build(err, why) : write_der(data, der, why);
}

enum berth_err
berth_cms_certs_build(struct berth_pki *pki, const struct berth_cert_list *list,
		      struct berth_buf *der, struct berth_why *why)
{
	SIGNED_DATA_PARTS data = {.version = 1};

	(void)pki;
	if (list->n == 0)
		return berth_fail(why, BERTH_E_USAGE, "cms-certs-only", "RFC 7030 4.1.3",
				  "There is no certificate to send.");
	enum berth_err err = add_list(&data.certificates, list);
	return err ? fail_build(err, why) : write_certificates(&data, der, why);
}

enum berth_err
berth_cms_certs_bag(const struct berth_cert_list *list, struct berth_buf *ber,
		    struct berth_why *why)
{
	SIGNED_DATA_PARTS data = {.version = 1};
	struct der_set *set = &data.certificates;

	if (list->n == 0)
		return berth_fail(why, BERTH_E_USAGE, "cms-certs-only", "RFC 7030 4.1.3",
				  "There is no certificate to send.");
	if (list->n > sizeof(set->at) / sizeof(set->at[0]))
		return fail_build(BERTH_E_LIMIT, why);
	for (size_t i = 0; i < list->n; i++)
		set->at[set->n++] = berth_cert_der(list->at[i]);
	return write_certificates(&data, ber, why);
}

enum berth_err
berth_cms_certs_wrap(struct berth_bytes certificate, struct berth_buf *der, struct berth_why *why)
{
	SIGNED_DATA_PARTS data = {.version = 1};
	enum berth_err err = berth_der_check(certificate, "cms-certs-only", why);

	if (err)
		return err;
	err = add_in_order(&data.certificates, certificate);
	return err ? fail_build(err, why) : write_certificates(&data, der, why);
}
