/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/csrattrs.h"

#include <openssl/err.h>

#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define CSRATTRS_MAX_BYTES 8192 /* a template of RFC 9908 with its names takes 1 KiB */

/* The contents of the identifiers. */
#define OID_SERIAL_NUMBER "\x55\x04\x05"
#define OID_EC_PUBLIC_KEY "\x2a\x86\x48\xce\x3d\x02\x01"
#define OID_PRIME256V1 "\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define OID_ECDSA_SHA256 "\x2a\x86\x48\xce\x3d\x04\x03\x02"
#define OID_EXTENSION_REQUEST "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e"
#define OID_SUBJECT_ALT_NAME "\x55\x1d\x11"
#define TAG_DNS_NAME 0x82

static void
sequence_free(ASN1_SEQUENCE_ANY **sequence)
{
	sk_ASN1_TYPE_pop_free(*sequence, ASN1_TYPE_free);
}

static enum berth_err
fail_build(struct berth_why *why)
{
	return berth_ossl_fail(why, BERTH_E_CRYPTO, "csrattrs-build", "RFC 7030 4.5.2",
			       "The CSR attributes cannot be built");
}

static bool
push_oid(ASN1_SEQUENCE_ANY *out, int nid)
{
	ASN1_TYPE *any = ASN1_TYPE_new();

	if (any == NULL)
		return false;
	ASN1_TYPE_set(any, V_ASN1_OBJECT, OBJ_nid2obj(nid));
	if (sk_ASN1_TYPE_push(out, any) > 0)
		return true;
	ASN1_TYPE_free(any);
	return false;
}

/* attribute, written and put as a raw SEQUENCE */
static bool
push_attribute(ASN1_SEQUENCE_ANY *out, X509_ATTRIBUTE *attribute)
{
	unsigned char *der = NULL;
	int n = attribute == NULL ? 0 : i2d_X509_ATTRIBUTE(attribute, &der);
	ASN1_TYPE *any = ASN1_TYPE_new();
	ASN1_STRING *string = ASN1_STRING_type_new(V_ASN1_SEQUENCE);

	bool done = n > 0 && any != NULL && string != NULL && ASN1_STRING_set(string, der, n) == 1;
	OPENSSL_free(der);
	if (done) {
		ASN1_TYPE_set(any, V_ASN1_SEQUENCE, string);
		string = NULL;
		done = sk_ASN1_TYPE_push(out, any) > 0;
		if (done)
			any = NULL;
	}
	ASN1_STRING_free(string);
	ASN1_TYPE_free(any);
	return done;
}

static bool
push_p256(ASN1_SEQUENCE_ANY *out)
{
	BERTH_OSSL(X509_ATTRIBUTE) *attribute = X509_ATTRIBUTE_new();

	return attribute != NULL &&
	       X509_ATTRIBUTE_set1_object(attribute, OBJ_nid2obj(NID_X9_62_id_ecPublicKey)) == 1 &&
	       X509_ATTRIBUTE_set1_data(attribute, V_ASN1_OBJECT, OBJ_nid2obj(NID_X9_62_prime256v1),
					-1) == 1 &&
	       push_attribute(out, attribute);
}

static enum berth_err
push_dns_name(ASN1_SEQUENCE_ANY *out, struct berth_bytes dns_name, struct berth_why *why)
{
	X509_EXTENSIONS *extensions = NULL;
	unsigned char *der = NULL;

	BERTH_OSSL(GENERAL_NAMES) *names = GENERAL_NAMES_new();
	if (names == NULL)
		return fail_build(why);
	enum berth_err err = berth_dns_names_make(&dns_name, 1, names, why);
	if (err)
		return err;
	int n = X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) ==
				1
			? i2d_X509_EXTENSIONS(extensions, &der)
			: 0;
	sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
	BERTH_OSSL(X509_ATTRIBUTE) *attribute = X509_ATTRIBUTE_new();
	bool done = n > 0 && attribute != NULL &&
		    X509_ATTRIBUTE_set1_object(attribute, OBJ_nid2obj(NID_ext_req)) == 1 &&
		    X509_ATTRIBUTE_set1_data(attribute, V_ASN1_SEQUENCE, der, n) == 1 &&
		    push_attribute(out, attribute);
	OPENSSL_free(der);
	return done ? BERTH_OK : fail_build(why);
}

enum berth_err
berth_csrattrs_build(const struct berth_csrattrs *attrs, struct berth_buf *der,
		     struct berth_why *why)
{
	unsigned char *bytes = NULL;
	BERTH_CLEANUP(sequence_free) ASN1_SEQUENCE_ANY *out = sk_ASN1_TYPE_new_null();

	if (out == NULL || (attrs->want_serial_number && !push_oid(out, NID_serialNumber)) ||
	    (attrs->want_p256 && !push_p256(out)) ||
	    (attrs->want_sha256 && !push_oid(out, NID_ecdsa_with_SHA256)))
		return fail_build(why);
	enum berth_err err =
		attrs->dns_name.n > 0 ? push_dns_name(out, attrs->dns_name, why) : BERTH_OK;
	if (err)
		return err;
	int n = i2d_ASN1_SEQUENCE_ANY(out, &bytes);
	if (n <= 0)
		return fail_build(why);
	err = berth_buf_append(der, bytes, (size_t)n);
	OPENSSL_free(bytes);
	return err;
}

static enum berth_err
fail_syntax(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_SYNTAX, "csrattrs-syntax", "RFC 7030 4.5.2",
			  "The CSR attributes are malformed.");
}

/* GeneralNames: the first dNSName. */
static bool
read_names(struct berth_bytes value, struct berth_csrattrs *attrs)
{
	struct berth_bytes names;
	struct berth_der name;

	if (!berth_der_take(&value, BERTH_DER_SEQUENCE, &names) || value.n > 0)
		return false;
	while (names.n > 0) {
		if (!berth_der_next(&names, &name))
			return false;
		if (name.tag == TAG_DNS_NAME && attrs->dns_name.n == 0) {
			if (!berth_bytes_is_printable(name.value))
				return false;
			attrs->dns_name = name.value;
		}
	}
	return true;
}

/* Extensions: SEQUENCE OF SEQUENCE { OID, BOOLEAN?, OCTET STRING }; only the SAN is understood. */
static bool
read_extensions(struct berth_bytes extensions, struct berth_csrattrs *attrs)
{
	struct berth_bytes extension, type, critical, value;

	while (extensions.n > 0) {
		if (!berth_der_take(&extensions, BERTH_DER_SEQUENCE, &extension) ||
		    !berth_der_take(&extension, BERTH_DER_OID, &type))
			return false;
		(void)berth_der_take(&extension, BERTH_DER_BOOLEAN, &critical);
		if (!berth_der_take(&extension, BERTH_DER_OCTET_STRING, &value) || extension.n > 0)
			return false;
		/* without a value the device chooses its own (RFC 9908 3.2) */
		if (berth_bytes_equal(type, BERTH_LIT(OID_SUBJECT_ALT_NAME)) && value.n > 0 &&
		    !read_names(value, attrs))
			return false;
	}
	return true;
}

static bool
read_attribute(struct berth_bytes attribute, struct berth_csrattrs *attrs)
{
	struct berth_bytes type, values, value;

	if (!berth_der_take(&attribute, BERTH_DER_OID, &type) ||
	    !berth_der_take(&attribute, BERTH_DER_SET, &values) || attribute.n > 0)
		return false;
	if (berth_bytes_equal(type, BERTH_LIT(OID_SERIAL_NUMBER)))
		attrs->want_serial_number = true;
	if (berth_bytes_equal(type, BERTH_LIT(OID_EC_PUBLIC_KEY)))
		attrs->want_p256 |= berth_der_take(&values, BERTH_DER_OID, &value) &&
				    berth_bytes_equal(value, BERTH_LIT(OID_PRIME256V1));
	/* RFC 7030's own example puts bare OIDs here: skipped, as all that is not understood */
	if (berth_bytes_equal(type, BERTH_LIT(OID_EXTENSION_REQUEST)) &&
	    berth_der_take(&values, BERTH_DER_SEQUENCE, &value))
		return read_extensions(value, attrs);
	return true;
}

enum berth_err
berth_csrattrs_parse(struct berth_bytes der, struct berth_csrattrs *ret, struct berth_why *why)
{
	struct berth_csrattrs attrs = {0};
	struct berth_bytes elements;
	struct berth_der element;

	if (der.n > CSRATTRS_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "csrattrs-size", NULL,
				  "The CSR attributes have %zu bytes; %d are allowed.", der.n,
				  CSRATTRS_MAX_BYTES);
	enum berth_err err = berth_der_check(der, "csrattrs-der", why);
	if (err)
		return err;
	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &elements))
		return fail_syntax(why);
	while (elements.n > 0) {
		if (!berth_der_next(&elements, &element))
			return fail_syntax(why);
		if (element.tag == BERTH_DER_OID) {
			attrs.want_serial_number |=
				berth_bytes_equal(element.value, BERTH_LIT(OID_SERIAL_NUMBER));
			attrs.want_sha256 |=
				berth_bytes_equal(element.value, BERTH_LIT(OID_ECDSA_SHA256));
		} else if (element.tag != BERTH_DER_SEQUENCE ||
			   !read_attribute(element.value, &attrs)) {
			return fail_syntax(why);
		}
	}
	*ret = attrs;
	return BERTH_OK;
}

static bool
asks_for(const struct berth_request *request, struct berth_bytes dns_name)
{
	for (size_t i = 0; i < BERTH_REQUEST_NAMES_MAX; i++) {
		if (berth_bytes_equal_nocase(berth_request_dns_name(request, i), dns_name))
			return true;
	}
	return false;
}

enum berth_err
berth_csrattrs_check(const struct berth_csrattrs *attrs, const struct berth_request *request,
		     struct berth_why *why)
{
	const char *kind = berth_key_kind(berth_request_key(request));
	const char *digest = berth_request_digest(request);

	if (attrs->want_serial_number && berth_request_subject_serial_number(request).n == 0)
		return berth_fail(
			why, BERTH_E_MISMATCH, "rfc8995-5.9.3-csr-serial-number", "RFC 8995 5.9.3",
			"The request's subject lacks the serialNumber that the CSR attributes "
			"ask for.");
	if (attrs->want_p256 && strcmp(kind, "P-256") != 0)
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.9.3-csr-key", "RFC 8995 5.9.3",
				  "The request's key is %s; the CSR attributes ask for P-256.",
				  kind);
	if (attrs->want_sha256 && strcmp(digest, "SHA256") != 0)
		return berth_fail(
			why, BERTH_E_MISMATCH, "rfc8995-5.9.3-csr-digest", "RFC 8995 5.9.3",
			"The request is signed with %s; the CSR attributes ask for SHA256.",
			digest);
	if (attrs->dns_name.n > 0 && !asks_for(request, attrs->dns_name))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.9.3-csr-dns-name",
				  "RFC 8995 5.9.3",
				  "The request does not name %.*s, as the CSR attributes ask.",
				  attrs->dns_name.n > 100 ? 100 : (int)attrs->dns_name.n,
				  (const char *)attrs->dns_name.p);
	return BERTH_OK;
}
