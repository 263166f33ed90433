/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/request.h"

#include <stdlib.h>

#include <openssl/asn1t.h>
#include <openssl/err.h>

#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define NAME_MAX_BYTES 64	/* ub-common-name, ub-serial-number ... of RFC 5280 A.1 */
#define CHALLENGE_MAX_BYTES 255 /* RFC 2985 5.4.1 */
#define DOMAIN_MAX_BYTES 253

struct berth_request {
	X509_REQ *x509;
	struct berth_key *key;
	uint8_t *der;
	size_t der_n;
	struct berth_bytes subject_der, serial_number, common_name, organization, unit;
	struct berth_bytes challenge_password;
	size_t subject_attributes;
	GENERAL_NAMES *names; /* NULL: no SAN asked for */
	struct berth_bytes dns_names[BERTH_REQUEST_NAMES_MAX];
	size_t dns_name_count;
	bool has_other_names, asks_authority;
};

static void
extensions_free(STACK_OF(X509_EXTENSION) * *extensions)
{
	sk_X509_EXTENSION_pop_free(*extensions, X509_EXTENSION_free);
}

#define BERTH_EXTENSIONS BERTH_CLEANUP(extensions_free) STACK_OF(X509_EXTENSION)

void
berth_request_free(struct berth_request *request)
{
	if (request == NULL)
		return;
	X509_REQ_free(request->x509);
	berth_key_free(request->key);
	GENERAL_NAMES_free(request->names);
	OPENSSL_free((void *)(uintptr_t)request->serial_number.p);
	OPENSSL_free((void *)(uintptr_t)request->common_name.p);
	OPENSSL_free((void *)(uintptr_t)request->organization.p);
	OPENSSL_free((void *)(uintptr_t)request->unit.p);
	OPENSSL_free((void *)(uintptr_t)request->challenge_password.p);
	free(request->der);
	free(request);
}

void
berth_request_freep(struct berth_request **request)
{
	berth_request_free(*request);
}

static enum berth_err
read_names(struct berth_request *request, struct berth_why *why)
{
	for (int i = 0; i < sk_GENERAL_NAME_num(request->names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(request->names, i);
		if (name->type != GEN_DNS) {
			request->has_other_names = true;
			continue;
		}
		struct berth_bytes text =
			berth_bytes_of(ASN1_STRING_get0_data(name->d.dNSName),
				       (size_t)ASN1_STRING_length(name->d.dNSName));
		if (text.n == 0 || text.n > DOMAIN_MAX_BYTES || !berth_bytes_is_printable(text))
			return berth_fail(
				why, BERTH_E_SYNTAX, "csr-dns-name", "RFC 5280 4.2.1.6",
				"A dNSName in the request is empty, too long or not ASCII.");
		if (request->dns_name_count == BERTH_REQUEST_NAMES_MAX)
			return berth_fail(why, BERTH_E_LIMIT, "csr-dns-names", NULL,
					  "The request asks for more than %d dNSNames.",
					  BERTH_REQUEST_NAMES_MAX);
		request->dns_names[request->dns_name_count++] = text;
	}
	return BERTH_OK;
}

static bool
asks_more_usage(const STACK_OF(X509_EXTENSION) * extensions)
{
	bool more = false;
	int critical = 0;
	static const int harmless[] = {NID_server_auth, NID_client_auth};

	BERTH_OSSL(ASN1_BIT_STRING) *usage =
		X509V3_get_d2i(extensions, NID_key_usage, &critical, NULL);
	if (usage == NULL && critical != -1)
		return true; /* malformed or twice */
	for (int bit = 0; usage != NULL && bit <= 8; bit++) {
		/* digitalSignature 0, keyAgreement 4 (RFC 5280 4.2.1.3) */
		if (bit != 0 && bit != 4)
			more |= ASN1_BIT_STRING_get_bit(usage, bit) != 0;
	}
	BERTH_OSSL(EXTENDED_KEY_USAGE) *purposes =
		X509V3_get_d2i(extensions, NID_ext_key_usage, &critical, NULL);
	if (purposes == NULL && critical != -1)
		return true;
	for (int i = 0; i < sk_ASN1_OBJECT_num(purposes); i++) {
		int nid = OBJ_obj2nid(sk_ASN1_OBJECT_value(purposes, i));
		more |= nid != harmless[0] && nid != harmless[1];
	}
	return more;
}

static enum berth_err
read_extensions(struct berth_request *request, struct berth_why *why)
{
	int critical = 0;

	if (X509_REQ_get_attr_by_NID(request->x509, NID_ext_req, -1) < 0)
		return BERTH_OK;
	BERTH_EXTENSIONS *extensions = X509_REQ_get_extensions(request->x509);
	if (extensions == NULL)
		return berth_ossl_fail(why, BERTH_E_SYNTAX, "csr-extensions", "RFC 2985 5.4.2",
				       "The requested extensions cannot be read");
	BERTH_OSSL(BASIC_CONSTRAINTS) *constraints =
		X509V3_get_d2i(extensions, NID_basic_constraints, &critical, NULL);
	request->asks_authority = (constraints == NULL && critical != -1) ||
				  (constraints != NULL && constraints->ca != 0) ||
				  asks_more_usage(extensions);
	request->names = X509V3_get_d2i(extensions, NID_subject_alt_name, &critical, NULL);
	ERR_clear_error();
	if (request->names == NULL && critical != -1)
		return berth_fail(why, BERTH_E_SYNTAX, "csr-san", "RFC 5280 4.2.1.6",
				  "The requested subjectAltName is malformed or stands twice.");
	return read_names(request, why);
}

static enum berth_err
read_challenge(struct berth_request *request, struct berth_why *why)
{
	unsigned char *utf8 = NULL;
	int n = -1;

	int at = X509_REQ_get_attr_by_NID(request->x509, NID_pkcs9_challengePassword, -1);
	if (at < 0)
		return BERTH_OK;
	X509_ATTRIBUTE *attribute = X509_REQ_get_attr(request->x509, at);
	const ASN1_TYPE *value = X509_ATTRIBUTE_count(attribute) == 1
					 ? X509_ATTRIBUTE_get0_type(attribute, 0)
					 : NULL;
	if (value != NULL &&
	    (value->type == V_ASN1_UTF8STRING || value->type == V_ASN1_PRINTABLESTRING ||
	     value->type == V_ASN1_IA5STRING || value->type == V_ASN1_T61STRING))
		n = ASN1_STRING_to_UTF8(&utf8, value->value.asn1_string);
	if (n < 0 || n > CHALLENGE_MAX_BYTES) {
		OPENSSL_free(utf8);
		return berth_fail(why, BERTH_E_SYNTAX, "csr-challenge-password", "RFC 2985 5.4.1",
				  "The challengePassword is not one text of at most %d bytes.",
				  CHALLENGE_MAX_BYTES);
	}
	request->challenge_password = berth_bytes_of(utf8, (size_t)n);
	return BERTH_OK;
}

static enum berth_err
read_subject(struct berth_request *request, struct berth_why *why)
{
	const unsigned char *p = NULL;
	size_t n = 0;
	X509_NAME *subject = X509_REQ_get_subject_name(request->x509);

	if (X509_NAME_get0_der(subject, &p, &n) != 1)
		return berth_ossl_fail(why, BERTH_E_SYNTAX, "csr-subject", "RFC 2986 4.1",
				       "The subject cannot be read");
	request->subject_der = berth_bytes_of(p, n);
	request->subject_attributes = (size_t)X509_NAME_entry_count(subject);
	const struct {
		int nid;
		struct berth_bytes *out;
	} wanted[] = {
		{NID_serialNumber, &request->serial_number},
		{NID_commonName, &request->common_name},
		{NID_organizationName, &request->organization},
		{NID_organizationalUnitName, &request->unit},
	};
	enum berth_err err = BERTH_OK;
	for (size_t i = 0; !err && i < sizeof(wanted) / sizeof(wanted[0]); i++)
		err = berth_name_attribute(subject, wanted[i].nid, wanted[i].out, why);
	return err;
}

/* CertificationRequestInfo: version, subject, subjectPKInfo; RFC 2986 4.1. */
static bool
find_spki(struct berth_bytes der, struct berth_bytes *ret)
{
	struct berth_bytes body, info, version, subject;
	struct berth_der spki;

	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &body) ||
	    !berth_der_take(&body, BERTH_DER_SEQUENCE, &info) ||
	    !berth_der_take(&info, BERTH_DER_INTEGER, &version) ||
	    !berth_der_take(&info, BERTH_DER_SEQUENCE, &subject) || !berth_der_next(&info, &spki) ||
	    spki.tag != BERTH_DER_SEQUENCE)
		return false;
	*ret = spki.whole;
	return true;
}

static bool
is_signed(struct berth_pki *pki, struct berth_request *request)
{
	const ASN1_BIT_STRING *signature = NULL;

	X509_REQ_get0_signature(request->x509, &signature, NULL);
	enum berth_signed verdict =
		berth_signed_by(berth_request_der(request),
				X509_REQ_get_signature_nid(request->x509), signature, request->key);
	if (verdict != BERTH_SIGNED_UNKNOWN)
		return verdict == BERTH_SIGNED_YES;
	return X509_REQ_verify_ex(request->x509, berth_key_public(request->key), pki->libctx,
				  NULL) == 1;
}

static enum berth_err
read_key(struct berth_pki *pki, struct berth_request *request, struct berth_why *why)
{
	struct berth_bytes spki;

	if (!find_spki(berth_request_der(request), &spki))
		return berth_fail(why, BERTH_E_SYNTAX, "csr-syntax", "RFC 2986 4",
				  "The request's public key is not in its place.");
	return berth_key_of_spki(pki, spki, &request->key, why);
}

/* RFC 2986 4.2: the requester signs with the key it asks to be certified. */
/* req: rfc7030-3.4-possession */
static enum berth_err
check_possession(struct berth_pki *pki, struct berth_request *request, struct berth_why *why)
{
	int md = NID_undef;
	int pk = NID_undef;
	if (OBJ_find_sigid_algs(X509_REQ_get_signature_nid(request->x509), &md, &pk) != 1 ||
	    (md != NID_sha256 && md != NID_sha384 && md != NID_sha512))
		return berth_fail(why, BERTH_E_UNSUPPORTED, "csr-signature-algorithm",
				  "RFC 5758 3.2",
				  "The request is signed with %s; SHA-256, SHA-384 or SHA-512 is "
				  "expected.",
				  OBJ_nid2ln(X509_REQ_get_signature_nid(request->x509)));
	if (!is_signed(pki, request)) {
		ERR_clear_error();
		return berth_fail(why, BERTH_E_SIGNATURE, "csr-proof-of-possession", "RFC 2986 4.2",
				  "The request is not signed with the key it names.");
	}
	return BERTH_OK;
}

static enum berth_err
read_request(struct berth_pki *pki, struct berth_request *request, struct berth_why *why)
{
	const unsigned char *p = request->der;

	/* its key is read by us; d2i_X509_REQ would decode it, and in the wrong library context */
	request->x509 = (X509_REQ *)ASN1_item_d2i_ex(NULL, &p, (long)request->der_n,
						     ASN1_ITEM_rptr(X509_REQ), pki->keyless, NULL);
	if (request->x509 == NULL)
		return berth_ossl_fail(why, BERTH_E_SYNTAX, "csr-syntax", "RFC 2986 4",
				       "The request cannot be read");
	enum berth_err err = read_key(pki, request, why);
	if (!err)
		err = read_subject(request, why);
	if (!err)
		err = read_extensions(request, why);
	return err ? err : read_challenge(request, why);
}

static enum berth_err
parse(struct berth_pki *pki, struct berth_bytes der, bool verify, struct berth_request **ret,
      struct berth_why *why)
{
	if (der.n > BERTH_REQUEST_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "csr-size", NULL,
				  "The request has %zu bytes; %d are allowed.", der.n,
				  BERTH_REQUEST_MAX_BYTES);
	enum berth_err err = berth_der_check(der, "csr-der", why);
	if (err)
		return err;
	BERTH_REQUEST *request = calloc(1, sizeof(*request));
	if (request == NULL || (request->der = malloc(der.n)) == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "pki", NULL, "No memory.");
	memcpy(request->der, der.p, der.n);
	request->der_n = der.n;
	err = read_request(pki, request, why);
	if (!err && verify)
		err = check_possession(pki, request, why);
	if (err)
		return err;
	*ret = request;
	request = NULL;
	return BERTH_OK;
}

enum berth_err
berth_request_parse(struct berth_pki *pki, struct berth_bytes der, struct berth_request **ret,
		    struct berth_why *why)
{
	return parse(pki, der, true, ret, why);
}

enum berth_err
berth_request_reparse(struct berth_pki *pki, struct berth_bytes der, struct berth_request **ret,
		      struct berth_why *why)
{
	return parse(pki, der, false, ret, why);
}

struct berth_bytes
berth_request_der(const struct berth_request *request)
{
	return berth_bytes_of(request->der, request->der_n);
}

struct berth_key *
berth_request_key(const struct berth_request *request)
{
	return request->key;
}

struct berth_bytes
berth_request_subject_der(const struct berth_request *request)
{
	return request->subject_der;
}

struct berth_bytes
berth_request_subject_serial_number(const struct berth_request *request)
{
	return request->serial_number;
}

struct berth_bytes
berth_request_subject_common_name(const struct berth_request *request)
{
	return request->common_name;
}

struct berth_bytes
berth_request_subject_organization(const struct berth_request *request)
{
	return request->organization;
}

struct berth_bytes
berth_request_subject_unit(const struct berth_request *request)
{
	return request->unit;
}

/* req: rfc7030-4.2.2-subject */
bool
berth_request_has_subject_of(const struct berth_request *request, const struct berth_cert *cert)
{
	return X509_NAME_cmp(X509_REQ_get_subject_name(request->x509),
			     X509_get_subject_name(berth_cert_x509_keyless(cert))) == 0;
}

bool
berth_request_has_alternative_names_of(const struct berth_request *request,
				       const struct berth_cert *cert)
{
	int critical = 0;
	BERTH_OSSL(GENERAL_NAMES) *names = X509_get_ext_d2i(berth_cert_x509_keyless(cert),
							    NID_subject_alt_name, &critical, NULL);
	bool is_same = names != NULL || critical == -1; /* -1: it has none */
	int asked = request->names == NULL ? 0 : sk_GENERAL_NAME_num(request->names);
	int n = names == NULL ? 0 : sk_GENERAL_NAME_num(names);
	ERR_clear_error();
	is_same = is_same && asked == n;
	for (int i = 0; is_same && i < n; i++)
		is_same = GENERAL_NAME_cmp(sk_GENERAL_NAME_value(request->names, i),
					   sk_GENERAL_NAME_value(names, i)) == 0;
	return is_same;
}

size_t
berth_request_subject_attribute_count(const struct berth_request *request)
{
	return request->subject_attributes;
}

struct berth_bytes
berth_request_dns_name(const struct berth_request *request, size_t i)
{
	return i < request->dns_name_count ? request->dns_names[i] : BERTH_BYTES_NONE;
}

bool
berth_request_has_other_names(const struct berth_request *request)
{
	return request->has_other_names;
}

bool
berth_request_asks_authority(const struct berth_request *request)
{
	return request->asks_authority;
}

struct berth_bytes
berth_request_challenge_password(const struct berth_request *request)
{
	return request->challenge_password;
}

const char *
berth_request_digest(const struct berth_request *request)
{
	int md = NID_undef;

	(void)OBJ_find_sigid_algs(X509_REQ_get_signature_nid(request->x509), &md, NULL);
	return OBJ_nid2sn(md);
}

static enum berth_err
fail_build(struct berth_why *why)
{
	return berth_ossl_fail(why, BERTH_E_CRYPTO, "csr-build", "RFC 2986 4",
			       "The request cannot be built");
}

static enum berth_err
put_dns_names(const struct berth_request_fields *fields, X509_REQ *x509, struct berth_why *why)
{
	BERTH_EXTENSIONS *extensions = NULL;

	if (fields->dns_name_count == 0)
		return BERTH_OK;
	BERTH_OSSL(GENERAL_NAMES) *names = GENERAL_NAMES_new();
	if (names == NULL)
		return fail_build(why);
	enum berth_err err =
		berth_dns_names_make(fields->dns_names, fields->dns_name_count, names, why);
	if (err)
		return err;
	if (X509V3_add1_i2d(&extensions, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) != 1 ||
	    X509_REQ_add_extensions(x509, extensions) != 1)
		return fail_build(why);
	return BERTH_OK;
}

/* RFC 7030 4.2.2: a renewal's subject is the certificate's, byte for byte. */
static enum berth_err
copy_subject(struct berth_bytes der, X509_REQ *x509, struct berth_why *why)
{
	const unsigned char *at = der.p;
	if (der.n > NAME_MAX_BYTES * 8)
		return fail_build(why);
	BERTH_OSSL(X509_NAME) *name = d2i_X509_NAME(NULL, &at, (long)der.n);
	if (name == NULL || at != der.p + der.n || X509_REQ_set_subject_name(x509, name) != 1)
		return fail_build(why);
	return BERTH_OK;
}

static enum berth_err
put_subject(const struct berth_request_fields *fields, X509_REQ *x509, struct berth_why *why)
{
	if (fields->subject.n > 0)
		return copy_subject(fields->subject, x509, why);
	X509_NAME *subject = X509_REQ_get_subject_name(x509);
	enum berth_err err = berth_name_add(subject, NID_organizationName, fields->organization,
					    NAME_MAX_BYTES, why);
	if (!err)
		err = berth_name_add(subject, NID_organizationalUnitName, fields->unit,
				     NAME_MAX_BYTES, why);
	if (!err)
		err = berth_name_add(subject, NID_commonName, fields->common_name, NAME_MAX_BYTES,
				     why);
	if (!err)
		err = berth_name_add(subject, NID_serialNumber, fields->serial_number,
				     NAME_MAX_BYTES, why);
	return err;
}

enum berth_err
berth_request_build(struct berth_pki *pki, const struct berth_request_fields *fields,
		    struct berth_key *key, struct berth_buf *der, struct berth_why *why)
{
	unsigned char *bytes = NULL;

	BERTH_OSSL(X509_REQ) *x509 = X509_REQ_new_ex(pki->libctx, NULL);
	if (x509 == NULL || X509_REQ_set_version(x509, X509_REQ_VERSION_1) != 1 ||
	    !berth_key_put(key, X509_REQ_get_X509_PUBKEY(x509)))
		return fail_build(why);
	enum berth_err err = put_subject(fields, x509, why);
	if (!err)
		err = put_dns_names(fields, x509, why);
	if (err)
		return err;
	struct berth_bytes password = fields->challenge_password;
	if (password.n > CHALLENGE_MAX_BYTES ||
	    (password.n > 0 &&
	     X509_REQ_add1_attr_by_NID(x509, NID_pkcs9_challengePassword, V_ASN1_UTF8STRING,
				       password.p, (int)password.n) != 1))
		return fail_build(why);
	if (!berth_key_has_private(key) ||
	    X509_REQ_sign(x509, berth_key_pkey(key),
			  berth_pki_digest(pki, berth_key_kind_of(key)->digest)) <= 0)
		return fail_build(why);
	int n = i2d_X509_REQ(x509, &bytes);
	if (n <= 0)
		return fail_build(why);
	err = berth_buf_append(der, bytes, (size_t)n);
	OPENSSL_free(bytes);
	return err;
}
