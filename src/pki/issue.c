/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/issue.h"

#include <time.h>

#include <openssl/err.h>

#include "pki/issue_profile.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define NAME_MAX_BYTES 64 /* ub-common-name, ub-serial-number ... of RFC 5280 A.1 */
#define URL_MAX_BYTES 512

static enum berth_err
fail_build(struct berth_why *why)
{
	return berth_ossl_fail(why, BERTH_E_CRYPTO, "issue-build", "RFC 5280 4.1",
			       "The certificate cannot be built");
}

static enum berth_err
put_names(const struct berth_cert_template *wanted, const struct berth_cert *issuer, X509 *x509,
	  struct berth_why *why)
{
	const struct {
		int nid;
		struct berth_bytes value;
	} attributes[] = {
		{NID_organizationName, wanted->organization},
		{NID_organizationalUnitName, wanted->unit},
		{NID_commonName, wanted->common_name},
		{NID_serialNumber, wanted->serial_number},
	};
	X509_NAME *subject = X509_get_subject_name(x509);

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		enum berth_err err = berth_name_add(subject, attributes[i].nid, attributes[i].value,
						    NAME_MAX_BYTES, why);
		if (err)
			return err;
	}
	if (X509_NAME_entry_count(subject) == 0)
		return berth_fail(why, BERTH_E_USAGE, "issue-subject", "RFC 5280 4.1.2.6",
				  "A certificate needs a subject.");
	X509_NAME *name =
		issuer == NULL ? subject : X509_get_subject_name(berth_cert_x509_keyless(issuer));
	return X509_set_issuer_name(x509, name) == 1 ? BERTH_OK : fail_build(why);
}

static enum berth_err
put_serial_and_dates(const struct berth_cert_template *wanted, X509 *x509, struct berth_why *why)
{
	static const uint8_t zero[BERTH_CERT_SERIAL_BYTES];

	if (wanted->serial[0] >= 0x80 || memcmp(wanted->serial, zero, sizeof(zero)) == 0)
		return berth_fail(why, BERTH_E_USAGE, "issue-serial", "RFC 5280 4.1.2.2",
				  "The serial number is zero or negative.");
	if (wanted->not_after.s < wanted->not_before.s)
		return berth_fail(why, BERTH_E_USAGE, "issue-validity", "RFC 5280 4.1.2.5",
				  "The certificate would end before it begins.");
	BIGNUM *number = BN_bin2bn(wanted->serial, sizeof(wanted->serial), NULL);
	bool done =
		number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL &&
		ASN1_TIME_set(X509_getm_notBefore(x509), (time_t)wanted->not_before.s) != NULL &&
		ASN1_TIME_set(X509_getm_notAfter(x509), (time_t)wanted->not_after.s) != NULL;
	BN_free(number);
	return done ? BERTH_OK : fail_build(why);
}

static bool
put_basic_constraints(const struct berth_profile_rule *rule, X509 *x509)
{
	BERTH_OSSL(BASIC_CONSTRAINTS) *constraints = BASIC_CONSTRAINTS_new();

	if (constraints == NULL)
		return false;
	constraints->ca = rule->is_ca ? 0xff : 0;
	if (rule->is_ca && rule->path_length >= 0) {
		constraints->pathlen = ASN1_INTEGER_new();
		if (constraints->pathlen == NULL ||
		    ASN1_INTEGER_set(constraints->pathlen, rule->path_length) != 1)
			return false;
	}
	return X509_add1_ext_i2d(x509, NID_basic_constraints, constraints, 1, X509V3_ADD_DEFAULT) ==
	       1;
}

static bool
put_usages(const struct berth_profile_rule *rule, X509 *x509)
{
	if (rule->key_usage != 0) {
		BERTH_OSSL(ASN1_BIT_STRING) *usage = ASN1_BIT_STRING_new();
		for (int bit = 0; usage != NULL && bit < 8; bit++) {
			if ((rule->key_usage & (0x80U >> bit)) != 0 &&
			    ASN1_BIT_STRING_set_bit(usage, bit, 1) != 1)
				return false;
		}
		if (usage == NULL ||
		    X509_add1_ext_i2d(x509, NID_key_usage, usage, 1, X509V3_ADD_DEFAULT) != 1)
			return false;
	}
	if (rule->eku == 0)
		return true;
	static const struct {
		unsigned bit;
		int nid;
	} known[] = {
		{BERTH_EKU_SERVER_AUTH, NID_server_auth},
		{BERTH_EKU_CLIENT_AUTH, NID_client_auth},
		{BERTH_EKU_CMC_RA, NID_cmcRA},
		{BERTH_EKU_OCSP_SIGN, NID_OCSP_sign},
	};
	BERTH_OSSL(EXTENDED_KEY_USAGE) *purposes = EXTENDED_KEY_USAGE_new();
	for (size_t i = 0; purposes != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
		if ((rule->eku & known[i].bit) != 0 &&
		    sk_ASN1_OBJECT_push(purposes, OBJ_nid2obj(known[i].nid)) <= 0)
			return false;
	}
	return purposes != NULL &&
	       X509_add1_ext_i2d(x509, NID_ext_key_usage, purposes, 0, X509V3_ADD_DEFAULT) == 1;
}

/* SKI: RFC 5280 4.2.1.2 method 1. AKI: the issuer's SKI, whatever its method was. */
static bool
put_key_ids(const struct berth_cert_template *wanted, const struct berth_cert *issuer,
	    const struct berth_key *issuer_key, X509 *x509)
{
	uint8_t id[BERTH_KEY_ID_BYTES];
	BERTH_OSSL(ASN1_OCTET_STRING) *subject = ASN1_OCTET_STRING_new();
	BERTH_OSSL(AUTHORITY_KEYID) *authority = AUTHORITY_KEYID_new();

	if (subject == NULL || authority == NULL)
		return false;
	authority->keyid = ASN1_OCTET_STRING_new();
	struct berth_bytes issuer_id = issuer == NULL ? BERTH_BYTES_NONE : berth_cert_ski(issuer);
	berth_key_id(issuer_key, id);
	if (issuer_id.n == 0)
		issuer_id = berth_bytes_of(id, sizeof(id));
	if (authority->keyid == NULL ||
	    ASN1_OCTET_STRING_set(authority->keyid, issuer_id.p, (int)issuer_id.n) != 1)
		return false;
	berth_key_id(wanted->key, id);
	return ASN1_OCTET_STRING_set(subject, id, sizeof(id)) == 1 &&
	       X509_add1_ext_i2d(x509, NID_subject_key_identifier, subject, 0,
				 X509V3_ADD_DEFAULT) == 1 &&
	       X509_add1_ext_i2d(x509, NID_authority_key_identifier, authority, 0,
				 X509V3_ADD_DEFAULT) == 1;
}

/* RFC 4108 5: SEQUENCE { hwType, hwSerialNum } as an otherName. */
static GENERAL_NAME *
hardware_name(const struct berth_cert_template *wanted)
{
	BERTH_OSSL(ASN1_OBJECT) *type = OBJ_txt2obj(wanted->hw_type, 1);
	BERTH_OSSL(ASN1_OCTET_STRING) *serial = ASN1_OCTET_STRING_new();
	BERTH_OSSL(GENERAL_NAME) *name = GENERAL_NAME_new();
	BERTH_OSSL(ASN1_TYPE) *value = ASN1_TYPE_new();
	ASN1_STRING *sequence = ASN1_STRING_type_new(V_ASN1_SEQUENCE);
	uint8_t bytes[256];
	uint8_t *p = bytes;

	if (value != NULL && sequence != NULL)
		ASN1_TYPE_set(value, V_ASN1_SEQUENCE, sequence);
	if (type == NULL || serial == NULL || name == NULL || value == NULL || sequence == NULL ||
	    ASN1_OCTET_STRING_set(serial, wanted->hw_serial.p, (int)wanted->hw_serial.n) != 1)
		return NULL;
	int body = i2d_ASN1_OBJECT(type, NULL) + i2d_ASN1_OCTET_STRING(serial, NULL);
	if (ASN1_object_size(1, body, V_ASN1_SEQUENCE) > (int)sizeof(bytes))
		return NULL;
	ASN1_put_object(&p, 1, body, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	(void)i2d_ASN1_OBJECT(type, &p);
	(void)i2d_ASN1_OCTET_STRING(serial, &p);
	ASN1_OBJECT *kind = OBJ_txt2obj("1.3.6.1.5.5.7.8.4", 1);
	if (kind == NULL || ASN1_STRING_set(sequence, bytes, (int)(p - bytes)) != 1 ||
	    GENERAL_NAME_set0_othername(name, kind, value) != 1) {
		ASN1_OBJECT_free(kind);
		return NULL;
	}
	value = NULL; /* the name has it */
	GENERAL_NAME *made = name;
	name = NULL;
	return made;
}

static enum berth_err
put_alternative_names(const struct berth_cert_template *wanted, X509 *x509, struct berth_why *why)
{
	if (wanted->dns_name_count == 0 && wanted->hw_type == NULL)
		return BERTH_OK;
	BERTH_OSSL(GENERAL_NAMES) *names = GENERAL_NAMES_new();
	if (names == NULL)
		return fail_build(why);
	enum berth_err err =
		berth_dns_names_make(wanted->dns_names, wanted->dns_name_count, names, why);
	if (err)
		return err;
	if (wanted->hw_type != NULL) {
		BERTH_OSSL(GENERAL_NAME) *name = hardware_name(wanted);
		if (name == NULL || sk_GENERAL_NAME_push(names, name) <= 0)
			return berth_ossl_fail(why, BERTH_E_USAGE, "issue-hardware-module-name",
					       "RFC 4108 5",
					       "The hardware module name cannot be written");
		name = NULL;
	}
	return X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1
		       ? BERTH_OK
		       : fail_build(why);
}

/* An extension that holds one IA5String: MASA URL, MUD URL. */
static enum berth_err
put_url(const char *oid, struct berth_bytes url, X509 *x509, struct berth_why *why)
{
	uint8_t bytes[URL_MAX_BYTES + 8];
	uint8_t *p = bytes;

	if (url.n == 0)
		return BERTH_OK;
	if (url.n > URL_MAX_BYTES || !berth_bytes_is_printable(url))
		return berth_fail(why, BERTH_E_USAGE, "issue-url", "RFC 8995 2.3.2",
				  "The URL is longer than %d bytes or not ASCII.", URL_MAX_BYTES);
	ASN1_put_object(&p, 0, (int)url.n, V_ASN1_IA5STRING, V_ASN1_UNIVERSAL);
	memcpy(p, url.p, url.n);
	BERTH_OSSL(ASN1_OBJECT) *type = OBJ_txt2obj(oid, 1);
	BERTH_OSSL(ASN1_OCTET_STRING) *value = ASN1_OCTET_STRING_new();
	if (type == NULL || value == NULL ||
	    ASN1_OCTET_STRING_set(value, bytes, (int)((size_t)(p - bytes) + url.n)) != 1)
		return fail_build(why);
	BERTH_OSSL(X509_EXTENSION) *extension = X509_EXTENSION_create_by_OBJ(NULL, type, 0, value);
	return extension != NULL && X509_add_ext(x509, extension, -1) == 1 ? BERTH_OK
									   : fail_build(why);
}

/* RFC 6960 4.2.2.2.1: whoever trusts this responder does not ask about it in turn. */
static bool
put_no_check(X509 *x509)
{
	ASN1_NULL *null = ASN1_NULL_new();
	bool done = null != NULL && X509_add1_ext_i2d(x509, NID_id_pkix_OCSP_noCheck, null, 0,
						      X509V3_ADD_DEFAULT) == 1;

	ASN1_NULL_free(null);
	return done;
}

static enum berth_err
put_extensions(const struct berth_cert_template *wanted, const struct berth_cert *issuer,
	       const struct berth_key *issuer_key, X509 *x509, struct berth_why *why)
{
	const struct berth_profile_rule *rule = berth_profile_rule(wanted->profile);

	if (!put_basic_constraints(rule, x509) || !put_usages(rule, x509) ||
	    !put_key_ids(wanted, issuer, issuer_key, x509))
		return fail_build(why);
	if (rule->no_check && !put_no_check(x509))
		return fail_build(why);
	enum berth_err err = put_alternative_names(wanted, x509, why);
	if (!err)
		err = berth_issue_put_sources(wanted, x509, why);
	if (!err)
		err = put_url("1.3.6.1.5.5.7.1.32", wanted->masa_url, x509, why);
	return err ? err : put_url("1.3.6.1.5.5.7.1.25", wanted->mud_url, x509, why);
}

static enum berth_err
check_issuer(const struct berth_cert_template *wanted, const struct berth_cert *issuer,
	     const struct berth_key *issuer_key, struct berth_why *why)
{
	if (issuer == NULL && !berth_key_equal(wanted->key, issuer_key))
		return berth_fail(why, BERTH_E_MISMATCH, "issue-issuer-key", NULL,
				  "A self-signed certificate is signed with its own key.");
	if (issuer != NULL && !berth_key_equal(berth_cert_key(issuer), issuer_key))
		return berth_fail(why, BERTH_E_MISMATCH, "issue-issuer-key", NULL,
				  "The signing key is not that of the issuer \"%.100s\".",
				  berth_cert_subject_text(issuer));
	if (issuer != NULL && !berth_cert_is_ca(issuer))
		return berth_fail(why, BERTH_E_USAGE, "issue-issuer-ca", "RFC 5280 4.2.1.9",
				  "The issuer \"%.100s\" is no CA.",
				  berth_cert_subject_text(issuer));
	return BERTH_OK;
}

static enum berth_err
sign_and_lint(struct berth_pki *pki, const struct berth_cert_template *wanted, X509 *x509,
	      const struct berth_cert *issuer, struct berth_key *issuer_key, struct berth_buf *der,
	      struct berth_why *why)
{
	unsigned char *bytes = NULL;

	if (!berth_key_put(wanted->key, X509_get_X509_PUBKEY(x509)) ||
	    X509_sign(x509, berth_key_pkey(issuer_key),
		      berth_pki_digest(pki, berth_key_kind_of(issuer_key)->digest)) <= 0)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "issue-sign", NULL,
				       "The issuer's key did not sign");
	int n = i2d_X509(x509, &bytes);
	if (n <= 0)
		return fail_build(why);
	struct berth_bytes made = berth_bytes_of(bytes, (size_t)n);
	enum berth_err err = berth_issue_lint(pki, wanted, issuer, issuer_key, made, why);
	if (!err)
		err = berth_buf_append_bytes(der, made);
	OPENSSL_free(bytes);
	return err;
}

/* req: rfc8995-5.8.2-identifier */
enum berth_err
berth_issue(struct berth_pki *pki, const struct berth_cert_template *wanted,
	    const struct berth_cert *issuer, struct berth_key *issuer_key, struct berth_buf *der,
	    struct berth_why *why)
{
	enum berth_err err = check_issuer(wanted, issuer, issuer_key, why);
	if (err)
		return err;
	BERTH_OSSL(X509) *x509 = X509_new_ex(pki->libctx, NULL);
	if (x509 == NULL || X509_set_version(x509, X509_VERSION_3) != 1)
		return fail_build(why);
	err = put_names(wanted, issuer, x509, why);
	if (!err)
		err = put_serial_and_dates(wanted, x509, why);
	if (!err)
		err = put_extensions(wanted, issuer, issuer_key, x509, why);
	return err ? err : sign_and_lint(pki, wanted, x509, issuer, issuer_key, der, why);
}
