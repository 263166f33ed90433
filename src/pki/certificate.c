/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/certificate.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/analyzer.h"
#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define EXTENSIONS_MAX 32 /* a CA's certificate with everything carries 12 */
#define OID_TEXT_MAX 64	  /* hwType: an enterprise's arc with some levels */
#define TAG_DNS_NAME 0x82 /* [2] of GeneralName */
#define SKI_MAX_BYTES 64  /* RFC 7093 method 4 with SHA-512 */
/* The contents of the identifiers 1.3.6.1.5.5.7.1.32, .1.25 and .8.4. */
#define OID_MASA_URL "\x2b\x06\x01\x05\x05\x07\x01\x20"
#define OID_MUD_URL "\x2b\x06\x01\x05\x05\x07\x01\x19"
#define OID_HARDWARE_MODULE_NAME "\x2b\x06\x01\x05\x05\x07\x08\x04"

struct berth_cert {
	unsigned refs;
	struct berth_pki *pki;
	X509 *x509;  /* its key is not decoded */
	X509 *whole; /* NULL until somebody needs it */
	struct berth_key *key;
	uint8_t *der;
	size_t der_n;
	struct berth_bytes subject_der, issuer_der, serial;
	struct berth_bytes serial_number, common_name, organization, unit; /* OPENSSL_free */
	char *subject_text, *issuer_text;				   /* OPENSSL_free */
	struct berth_wall not_before, not_after;
	bool is_ca, is_self_issued, has_eku;
	unsigned eku;
	struct berth_bytes ski, aki_key_id, aki_value, masa_url, mud_url, hw_serial, san;
	char hw_type[OID_TEXT_MAX];
};

static enum berth_err
fail_extension(struct berth_why *why, const char *rule, const char *section, const char *name)
{
	ERR_clear_error();
	return berth_fail(why, BERTH_E_SYNTAX, rule, section,
			  "The certificate's %s extension is malformed.", name);
}

/* IA5String, all of the value: the two URL extensions. */
static enum berth_err
read_url(struct berth_bytes value, const char *name, struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_bytes text;

	if (!berth_der_take(&value, BERTH_DER_IA5_STRING, &text) || value.n > 0 || text.n == 0 ||
	    !berth_bytes_is_printable(text))
		return fail_extension(why, "x509-url-extension", "RFC 8995 2.3.2", name);
	*ret = text;
	return BERTH_OK;
}

static enum berth_err
read_eku(struct berth_cert *cert, struct berth_why *why)
{
	static const struct {
		int nid;
		unsigned bit;
	} known[] = {
		{NID_server_auth, BERTH_EKU_SERVER_AUTH},
		{NID_client_auth, BERTH_EKU_CLIENT_AUTH},
		{NID_cmcRA, BERTH_EKU_CMC_RA},
		{NID_OCSP_sign, BERTH_EKU_OCSP_SIGN},
		{NID_anyExtendedKeyUsage, BERTH_EKU_ANY},
	};

	BERTH_OSSL(EXTENDED_KEY_USAGE) *usages =
		X509_get_ext_d2i(cert->x509, NID_ext_key_usage, NULL, NULL);
	if (usages == NULL || sk_ASN1_OBJECT_num(usages) == 0)
		return fail_extension(why, "x509-eku", "RFC 5280 4.2.1.12", "extKeyUsage");
	cert->has_eku = true;
	for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i));
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			cert->eku |= known[k].nid == nid ? known[k].bit : 0;
	}
	return BERTH_OK;
}

static enum berth_err
read_basic_constraints(struct berth_cert *cert, struct berth_why *why)
{
	BERTH_OSSL(BASIC_CONSTRAINTS) *constraints =
		X509_get_ext_d2i(cert->x509, NID_basic_constraints, NULL, NULL);
	if (constraints == NULL)
		return fail_extension(why, "x509-basic-constraints", "RFC 5280 4.2.1.9",
				      "basicConstraints");
	cert->is_ca = constraints->ca != 0;
	return BERTH_OK;
}

static enum berth_err
read_ski(struct berth_cert *cert, struct berth_bytes value, struct berth_why *why)
{
	struct berth_bytes id;

	if (!berth_der_take(&value, BERTH_DER_OCTET_STRING, &id) || value.n > 0 || id.n == 0 ||
	    id.n > SKI_MAX_BYTES)
		return fail_extension(why, "x509-ski", "RFC 5280 4.2.1.2", "subjectKeyIdentifier");
	cert->ski = id;
	return BERTH_OK;
}

static enum berth_err
read_aki(struct berth_cert *cert, struct berth_bytes value, struct berth_why *why)
{
	struct berth_bytes body, id;

	cert->aki_value = value;
	if (!berth_der_take(&value, BERTH_DER_SEQUENCE, &body) || value.n > 0)
		return fail_extension(why, "x509-aki", "RFC 5280 4.2.1.1",
				      "authorityKeyIdentifier");
	if (berth_der_take(&body, 0x80, &id) && id.n > 0) /* [0] keyIdentifier */
		cert->aki_key_id = id;
	return BERTH_OK;
}

/* RFC 4108 5: otherName [0] { type-id, [0] EXPLICIT SEQUENCE { hwType OID, hwSerialNum OCTET STRING } } */
static enum berth_err
read_hardware_name(struct berth_cert *cert, struct berth_bytes other_name, struct berth_why *why)
{
	struct berth_bytes type, explicit, body, oid, serial;
	char text[OID_TEXT_MAX];

	if (!berth_der_take(&other_name, BERTH_DER_OID, &type))
		return fail_extension(why, "x509-san", "RFC 5280 4.2.1.6", "subjectAltName");
	if (!berth_bytes_equal(type, BERTH_LIT(OID_HARDWARE_MODULE_NAME)))
		return BERTH_OK;
	if (!berth_der_take(&other_name, 0xa0, &explicit) ||
	    !berth_der_take(&explicit, BERTH_DER_SEQUENCE, &body))
		return fail_extension(why, "x509-hardware-module-name", "RFC 4108 5",
				      "subjectAltName");
	struct berth_bytes whole = body;
	if (!berth_der_take(&body, BERTH_DER_OID, &oid) ||
	    !berth_der_take(&body, BERTH_DER_OCTET_STRING, &serial) || body.n > 0 || serial.n == 0)
		return fail_extension(why, "x509-hardware-module-name", "RFC 4108 5",
				      "subjectAltName");
	const unsigned char *p = whole.p;
	BERTH_OSSL(ASN1_OBJECT) *object = d2i_ASN1_OBJECT(NULL, &p, (long)whole.n);
	if (object == NULL || OBJ_obj2txt(text, sizeof(text), object, 1) <= 0 ||
	    strlen(text) == sizeof(text) - 1 || cert->hw_serial.n > 0)
		return fail_extension(why, "x509-hardware-module-name", "RFC 4108 5",
				      "subjectAltName");
	memcpy(cert->hw_type, text, sizeof(text));
	cert->hw_serial = serial;
	return BERTH_OK;
}

static enum berth_err
read_san(struct berth_cert *cert, struct berth_bytes value, struct berth_why *why)
{
	struct berth_bytes names;
	struct berth_der name;

	if (!berth_der_take(&value, BERTH_DER_SEQUENCE, &names) || value.n > 0)
		return fail_extension(why, "x509-san", "RFC 5280 4.2.1.6", "subjectAltName");
	cert->san = names;
	while (berth_der_next(&names, &name)) {
		enum berth_err err =
			name.tag == 0xa0 ? read_hardware_name(cert, name.value, why) : BERTH_OK;
		if (err)
			return err;
	}
	return BERTH_OK;
}

static enum berth_err
read_extension(struct berth_cert *cert, const ASN1_OBJECT *type, struct berth_bytes value,
	       struct berth_why *why)
{
	struct berth_bytes oid = berth_bytes_of(OBJ_get0_data(type), OBJ_length(type));

	switch (OBJ_obj2nid(type)) {
	case NID_basic_constraints:
		return read_basic_constraints(cert, why);
	case NID_ext_key_usage:
		return read_eku(cert, why);
	case NID_subject_key_identifier:
		return read_ski(cert, value, why);
	case NID_authority_key_identifier:
		return read_aki(cert, value, why);
	case NID_subject_alt_name:
		return read_san(cert, value, why);
	default:
		break; /* OpenSSL may learn a name for the two below: they are compared by bytes */
	}
	if (berth_bytes_equal(oid, BERTH_LIT(OID_MASA_URL)))
		return read_url(value, "MASA URL", &cert->masa_url, why);
	if (berth_bytes_equal(oid, BERTH_LIT(OID_MUD_URL)))
		return read_url(value, "MUD URL", &cert->mud_url, why);
	return BERTH_OK;
}

static enum berth_err
read_extensions(struct berth_cert *cert, struct berth_why *why)
{
	int n = X509_get_ext_count(cert->x509);

	if (n > EXTENSIONS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "x509-extensions", NULL,
				  "The certificate has more than %d extensions.", EXTENSIONS_MAX);
	for (int i = 0; i < n; i++) {
		X509_EXTENSION *extension = X509_get_ext(cert->x509, i);
		ASN1_OBJECT *type = X509_EXTENSION_get_object(extension);
		const ASN1_OCTET_STRING *octets = X509_EXTENSION_get_data(extension);
		if (X509_get_ext_by_OBJ(cert->x509, type, i) >= 0)
			return berth_fail(why, BERTH_E_SYNTAX, "x509-extension-twice",
					  "RFC 5280 4.2", "An extension stands twice.");
		enum berth_err err =
			read_extension(cert, type,
				       berth_bytes_of(ASN1_STRING_get0_data(octets),
						      (size_t)ASN1_STRING_length(octets)),
				       why);
		if (err)
			return err;
	}
	return BERTH_OK;
}

/* People read few of the names: they are written out when somebody asks, if that cannot fail. */
static bool
can_write_names(struct berth_cert *cert)
{
	const X509_NAME *subject = X509_get_subject_name(cert->x509);
	const X509_NAME *issuer = X509_get_issuer_name(cert->x509);

	if (berth_name_is_plain(subject) && berth_name_is_plain(issuer))
		return true;
	cert->subject_text = berth_name_text(subject);
	cert->issuer_text = berth_name_text(issuer);
	return cert->subject_text != NULL && cert->issuer_text != NULL;
}

static struct berth_bytes
name_der(X509_NAME *name)
{
	const unsigned char *p = NULL;
	size_t n = 0;

	if (X509_NAME_get0_der(name, &p, &n) != 1)
		return BERTH_BYTES_NONE;
	return berth_bytes_of(p, n);
}

static enum berth_err
read_subject(struct berth_cert *cert, struct berth_why *why)
{
	X509_NAME *subject = X509_get_subject_name(cert->x509);
	const struct {
		int nid;
		struct berth_bytes *out;
	} wanted[] = {
		{NID_serialNumber, &cert->serial_number},
		{NID_commonName, &cert->common_name},
		{NID_organizationName, &cert->organization},
		{NID_organizationalUnitName, &cert->unit},
	};

	cert->subject_der = name_der(subject);
	cert->issuer_der = name_der(X509_get_issuer_name(cert->x509));
	cert->is_self_issued = berth_bytes_equal(cert->subject_der, cert->issuer_der);
	if (!can_write_names(cert))
		return berth_ossl_fail(why, BERTH_E_SYNTAX, "x509-name", "RFC 5280 4.1.2.4",
				       "A name in the certificate cannot be read");
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		enum berth_err err =
			berth_name_attribute(subject, wanted[i].nid, wanted[i].out, why);
		if (err)
			return err;
	}
	return BERTH_OK;
}

static enum berth_err
read_validity(struct berth_cert *cert, struct berth_why *why)
{
	bool from = false;
	bool until = false;

	cert->not_before = berth_asn1_wall(X509_get0_notBefore(cert->x509), &from);
	cert->not_after = berth_asn1_wall(X509_get0_notAfter(cert->x509), &until);
	if (!from || !until)
		return berth_fail(why, BERTH_E_SYNTAX, "x509-validity", "RFC 5280 4.1.2.5",
				  "A date in the certificate cannot be read.");
	return BERTH_OK;
}

/* version (of version 3: there), serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo */
static bool
find_spki(struct berth_bytes der, struct berth_bytes *ret)
{
	static const uint8_t before[] = {0xa0,
					 BERTH_DER_INTEGER,
					 BERTH_DER_SEQUENCE,
					 BERTH_DER_SEQUENCE,
					 BERTH_DER_SEQUENCE,
					 BERTH_DER_SEQUENCE};
	struct berth_bytes body, rest;
	struct berth_der element;

	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &body) ||
	    !berth_der_take(&body, BERTH_DER_SEQUENCE, &rest))
		return false;
	for (size_t i = 0; i < sizeof(before); i++) {
		if (!berth_der_next(&rest, &element) || element.tag != before[i])
			return false;
	}
	if (!berth_der_next(&rest, &element) || element.tag != BERTH_DER_SEQUENCE)
		return false;
	*ret = element.whole;
	return true;
}

static enum berth_err
read_key(struct berth_pki *pki, struct berth_cert *cert, struct berth_why *why)
{
	struct berth_bytes spki;

	if (!find_spki(berth_cert_der(cert), &spki))
		return berth_fail(why, BERTH_E_SYNTAX, "x509-syntax", "RFC 5280 4.1",
				  "The certificate's public key is not in its place.");
	return berth_key_of_spki(pki, spki, &cert->key, why);
}

/* cert->der and cert->x509 are set. */
static enum berth_err
read_facts(struct berth_pki *pki, struct berth_cert *cert, struct berth_why *why)
{
	if (X509_get_version(cert->x509) != X509_VERSION_3)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "x509-version", "RFC 5280 4.1.2.1",
				  "The certificate is not of version 3.");
	const ASN1_INTEGER *serial = X509_get0_serialNumber(cert->x509);
	cert->serial =
		berth_bytes_of(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial));
	enum berth_err err = read_subject(cert, why);
	if (!err)
		err = read_validity(cert, why);
	if (!err)
		err = read_extensions(cert, why);
	if (!err)
		err = read_key(pki, cert, why);
	if (err)
		return err;
	/* OpenSSL's own reading of the extensions, kept inside for the path check */
	if ((X509_get_extension_flags(cert->x509) & EXFLAG_INVALID) != 0)
		return berth_ossl_fail(why, BERTH_E_SYNTAX, "x509-extension", "RFC 5280 4.2",
				       "An extension of the certificate is malformed");
	return BERTH_OK;
}

/* Certificates differ in their last bytes, which are the signature. Whoever chooses them only pushes others out. */
static struct berth_cert **
kept_place(struct berth_pki *pki, struct berth_bytes der)
{
	uint32_t h = 2166136261U;
	size_t from = der.n > 16 ? der.n - 16 : 0;

	for (size_t i = from; i < der.n; i++)
		h = (h ^ der.p[i]) * 16777619U;
	return &pki->certs[h % BERTH_CERTS_KEPT];
}

static enum berth_err
parse(struct berth_pki *pki, struct berth_bytes der, struct berth_cert **ret, struct berth_why *why)
{
	if (der.n > BERTH_CERT_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "x509-size", NULL,
				  "The certificate has %zu bytes; %d are allowed.", der.n,
				  BERTH_CERT_MAX_BYTES);
	enum berth_err err = berth_der_check(der, "x509-der", why);
	if (err)
		return err;
	BERTH_CERT *cert = calloc(1, sizeof(*cert));
	if (cert == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "pki", NULL, "No memory.");
	cert->refs = 1;
	cert->der = malloc(der.n);
	if (cert->der == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "pki", NULL, "No memory.");
	memcpy(cert->der, der.p, der.n);
	cert->der_n = der.n;
	cert->pki = pki;
	cert->x509 = X509_new_ex(pki->keyless, NULL);
	const unsigned char *p = der.p;
	if (cert->x509 == NULL || d2i_X509(&cert->x509, &p, (long)der.n) == NULL)
		return berth_ossl_fail(why, BERTH_E_SYNTAX, "x509-syntax", "RFC 5280 4.1",
				       "The certificate cannot be read");
	err = read_facts(pki, cert, why);
	if (err)
		return err;
	*ret = berth_cert_ref(cert);
	return BERTH_OK;
}

enum berth_err
berth_cert_parse(struct berth_pki *pki, struct berth_bytes der, struct berth_cert **ret,
		 struct berth_why *why)
{
	struct berth_cert **kept = kept_place(pki, der);
	struct berth_cert *cert = NULL;

	if (*kept != NULL && berth_bytes_equal(berth_cert_der(*kept), der)) {
		*ret = berth_cert_ref(*kept);
		return BERTH_OK;
	}
	enum berth_err err = parse(pki, der, &cert, why);
	if (err)
		return err;
	berth_cert_free(*kept);
	*kept = berth_cert_ref(cert);
	*ret = cert;
	return BERTH_OK;
}

struct berth_cert *
berth_cert_ref(struct berth_cert *cert)
{
	if (cert != NULL)
		cert->refs++;
	return cert;
}

static void
free_text(struct berth_bytes text)
{
	union {
		const uint8_t *in;
		void *out;
	} pointer = {.in = text.p};

	OPENSSL_free(pointer.out);
}

void
berth_cert_free(struct berth_cert *cert)
{
	/* The analyzer takes the count for unknown after OpenSSL was called. */
	BERTH_ANALYZER_TRUST_LEAK
	if (cert == NULL || (cert->refs > 0 && --cert->refs > 0))
		return;
	BERTH_ANALYZER_END
	X509_free(cert->x509);
	X509_free(cert->whole);
	berth_key_free(cert->key);
	free_text(cert->serial_number);
	free_text(cert->common_name);
	free_text(cert->organization);
	free_text(cert->unit);
	OPENSSL_free(cert->subject_text);
	OPENSSL_free(cert->issuer_text);
	free(cert->der);
	free(cert);
}

void
berth_cert_freep(struct berth_cert **cert)
{
	berth_cert_free(*cert);
}

struct berth_bytes
berth_cert_der(const struct berth_cert *cert)
{
	return berth_bytes_of(cert->der, cert->der_n);
}

struct berth_key *
berth_cert_key(const struct berth_cert *cert)
{
	return cert->key;
}

struct berth_bytes
berth_cert_serial(const struct berth_cert *cert)
{
	return cert->serial;
}

struct berth_bytes
berth_cert_subject_der(const struct berth_cert *cert)
{
	return cert->subject_der;
}

struct berth_bytes
berth_cert_issuer_der(const struct berth_cert *cert)
{
	return cert->issuer_der;
}

/* What is kept in a certificate says nothing new of it. */
static struct berth_cert *
keeper_of(const struct berth_cert *cert)
{
	return (struct berth_cert *)(uintptr_t)cert;
}

static const char *
text_of(char **kept, const X509_NAME *name)
{
	if (*kept == NULL)
		*kept = berth_name_text(name);
	return *kept != NULL ? *kept : ""; /* out of memory */
}

const char *
berth_cert_subject_text(const struct berth_cert *cert)
{
	return text_of(&keeper_of(cert)->subject_text, X509_get_subject_name(cert->x509));
}

const char *
berth_cert_issuer_text(const struct berth_cert *cert)
{
	return text_of(&keeper_of(cert)->issuer_text, X509_get_issuer_name(cert->x509));
}

struct berth_bytes
berth_cert_subject_serial_number(const struct berth_cert *cert)
{
	return cert->serial_number;
}

struct berth_bytes
berth_cert_subject_common_name(const struct berth_cert *cert)
{
	return cert->common_name;
}

struct berth_bytes
berth_cert_subject_organization(const struct berth_cert *cert)
{
	return cert->organization;
}

struct berth_bytes
berth_cert_subject_unit(const struct berth_cert *cert)
{
	return cert->unit;
}

#define PARTY_NAME_MAX 256 /* bytes: ub-organization-name of RFC 5280 A.1 is 64 characters */

static bool
is_party_name(struct berth_bytes name)
{
	if (name.n == 0 || name.n > PARTY_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < 0x20 || name.p[i] == 0x7f)
			return false;
	return true;
}

struct berth_bytes
berth_cert_party_name(const struct berth_cert *cert)
{
	if (is_party_name(cert->organization))
		return cert->organization;
	if (is_party_name(cert->common_name))
		return cert->common_name;
	return berth_text(berth_cert_subject_text(cert));
}

struct berth_wall
berth_cert_not_before(const struct berth_cert *cert)
{
	return cert->not_before;
}

struct berth_wall
berth_cert_not_after(const struct berth_cert *cert)
{
	return cert->not_after;
}

bool
berth_cert_is_ca(const struct berth_cert *cert)
{
	return cert->is_ca;
}

bool
berth_cert_is_self_issued(const struct berth_cert *cert)
{
	return cert->is_self_issued;
}

struct berth_bytes
berth_cert_ski(const struct berth_cert *cert)
{
	return cert->ski;
}

struct berth_bytes
berth_cert_aki_key_id(const struct berth_cert *cert)
{
	return cert->aki_key_id;
}

struct berth_bytes
berth_cert_aki_value(const struct berth_cert *cert)
{
	return cert->aki_value;
}

struct berth_bytes
berth_cert_masa_url(const struct berth_cert *cert)
{
	return cert->masa_url;
}

struct berth_bytes
berth_cert_mud_url(const struct berth_cert *cert)
{
	return cert->mud_url;
}

struct berth_bytes
berth_cert_hw_serial(const struct berth_cert *cert)
{
	return cert->hw_serial;
}

const char *
berth_cert_hw_type(const struct berth_cert *cert)
{
	return cert->hw_serial.n == 0 ? NULL : cert->hw_type;
}

X509 *
berth_cert_x509_keyless(const struct berth_cert *cert)
{
	return cert->x509;
}

bool
berth_cert_is_x509(const struct berth_cert *cert, const X509 *x509)
{
	return x509 != NULL && (x509 == cert->x509 || x509 == cert->whole);
}

X509 *
berth_cert_x509(const struct berth_cert *cert)
{
	const unsigned char *p = cert->der;

	if (cert->whole != NULL)
		return cert->whole;
	X509 *whole = X509_new_ex(cert->pki->libctx, NULL);
	if (whole == NULL || d2i_X509(&whole, &p, (long)cert->der_n) == NULL) {
		ERR_clear_error();
		return cert->x509; /* out of memory; without a key every use of it fails */
	}
	keeper_of(cert)->whole = whole;
	return whole;
}

unsigned
berth_cert_eku(const struct berth_cert *cert, bool *has_eku)
{
	*has_eku = cert->has_eku;
	return cert->eku;
}

bool
berth_cert_has_dns_name(const struct berth_cert *cert, const char *host)
{
	return X509_check_host(cert->x509, host, 0,
			       X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
				       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
			       NULL) == 1;
}

struct berth_bytes
berth_cert_dns_name(const struct berth_cert *cert, size_t i)
{
	struct berth_bytes names = cert->san;
	struct berth_der name;
	while (berth_der_next(&names, &name))
		if (name.tag == TAG_DNS_NAME && i-- == 0)
			return name.value;
	return BERTH_BYTES_NONE;
}
