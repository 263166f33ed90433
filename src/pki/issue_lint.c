/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second look at what was signed. It reads the finished DER, element by element, and shares no code with what built it
 * but the table of profiles: OpenSSL's encoders write it, our own reader compares it. What is not expected is refused.
 */
#include <openssl/err.h>

#include "pki/der.h"
#include "pki/issue_profile.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define DIGITAL_SIGNATURE 0x80
#define KEY_AGREEMENT 0x08
#define CERT_SIGN 0x04
#define CRL_SIGN 0x02

#define CONTEXT_0 0x80 /* implicit, primitive; 0xa0: constructed, explicit */
#define CONTEXT_0_WITH 0xa0
#define CONTEXT_3_WITH 0xa3
#define DNS_NAME 0x82 /* GeneralName's choices, RFC 5280 4.2.1.6 */
#define URI 0x86
#define UTF8_STRING 0x0c
#define PRINTABLE_STRING 0x13

#define ID_PKIX "\x2b\x06\x01\x05\x05\x07"

const struct berth_profile_rule *
berth_profile_rule(enum berth_cert_profile profile)
{
	static const struct berth_profile_rule rules[] = {
		[BERTH_PROFILE_ROOT_CA] = {true, -1, CERT_SIGN | CRL_SIGN, 0, false, false},
		[BERTH_PROFILE_ISSUING_CA] = {true, 0, CERT_SIGN | CRL_SIGN, 0, false, false},
		[BERTH_PROFILE_CROSS_CA] = {true, 0, CERT_SIGN | CRL_SIGN, 0, false, false},
		/* 802.1AR-2018 8.10.4, RFC 8995 2.3.1: an IDevID's use is not narrowed */
		[BERTH_PROFILE_IDEVID] = {false, -1, 0, 0, false, false},
		/* req: gateway-no-cmc-ra */
		[BERTH_PROFILE_LDEVID] = {false, -1, DIGITAL_SIGNATURE | KEY_AGREEMENT,
					  BERTH_EKU_CLIENT_AUTH, false, true},
		[BERTH_PROFILE_LDEVID_SERVER] = {false, -1, DIGITAL_SIGNATURE | KEY_AGREEMENT,
						 BERTH_EKU_SERVER_AUTH | BERTH_EKU_CLIENT_AUTH,
						 false, true},
		[BERTH_PROFILE_REGISTRAR] = {false, -1, DIGITAL_SIGNATURE,
					     BERTH_EKU_SERVER_AUTH | BERTH_EKU_CLIENT_AUTH |
						     BERTH_EKU_CMC_RA,
					     false, false},
		[BERTH_PROFILE_SERVER] = {false, -1, DIGITAL_SIGNATURE, BERTH_EKU_SERVER_AUTH,
					  false, false},
		[BERTH_PROFILE_MASA_SIGNER] = {false, -1, DIGITAL_SIGNATURE, 0, false, false},
		[BERTH_PROFILE_MANIFEST_SIGNER] = {false, -1, DIGITAL_SIGNATURE, 0, false, false},
		/* req: rfc6960-4.2.2.2-delegated */
		[BERTH_PROFILE_OCSP_SIGNER] = {false, -1, DIGITAL_SIGNATURE, BERTH_EKU_OCSP_SIGN,
					       true, false},
		[BERTH_PROFILE_ROLE] = {false, -1, DIGITAL_SIGNATURE, BERTH_EKU_CLIENT_AUTH, false,
					false},
	};

	return &rules[profile];
}

static enum berth_err
fail_lint(struct berth_why *why, const char *what)
{
	ERR_clear_error();
	return berth_fail(
		why, BERTH_E_MISMATCH, "issue-lint", NULL,
		"The signed certificate does not say what was meant: %s differs. It was not "
		"released.",
		what);
}

/* What the finished certificate is compared with. */
struct lint {
	const struct berth_cert_template *wanted;
	const struct berth_profile_rule *rule;
	const struct berth_cert *issuer; /* NULL: self-signed */
	const struct berth_key *issuer_key;
	struct berth_bytes subject, issuer_name; /* as they stand in it, with tag and length */
};

/* ---- names ---- */

/* RFC 5280 4.1.2.4: one attribute in each RDN; each that is wanted once, and no other. */
static const char *
lint_subject(const struct lint *lint)
{
	const struct {
		const char *name;
		struct berth_bytes oid;
		uint8_t tag;
		struct berth_bytes want;
	} rows[] = {
		{"organization", BERTH_LIT("\x55\x04\x0a"), UTF8_STRING,
		 lint->wanted->organization},
		{"organizational unit", BERTH_LIT("\x55\x04\x0b"), UTF8_STRING, lint->wanted->unit},
		{"commonName", BERTH_LIT("\x55\x04\x03"), UTF8_STRING, lint->wanted->common_name},
		{"serialNumber", BERTH_LIT("\x55\x04\x05"), PRINTABLE_STRING,
		 lint->wanted->serial_number},
	};
	struct berth_bytes rest, set, attribute;

	if (!berth_der_take_only(lint->subject, BERTH_DER_SEQUENCE, &rest))
		return "subject";
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].want.n == 0)
			continue;
		if (!berth_der_take(&rest, BERTH_DER_SET, &set) ||
		    !berth_der_take_only(set, BERTH_DER_SEQUENCE, &attribute) ||
		    !berth_der_take_equal(&attribute, BERTH_DER_OID, rows[i].oid) ||
		    !berth_der_take_equal(&attribute, rows[i].tag, rows[i].want) || attribute.n > 0)
			return rows[i].name;
	}
	return rest.n == 0 ? NULL : "the number of subject attributes";
}

static const char *
lint_issuer(const struct lint *lint)
{
	const bool is_root = lint->wanted->profile == BERTH_PROFILE_ROOT_CA;
	const bool is_cross = lint->wanted->profile == BERTH_PROFILE_CROSS_CA;
	const bool is_own = berth_key_equal(lint->issuer_key, lint->wanted->key);
	struct berth_bytes want =
		lint->issuer == NULL ? lint->subject : berth_cert_subject_der(lint->issuer);

	if (!berth_bytes_equal(lint->issuer_name, want) ||
	    berth_bytes_equal(lint->issuer_name, lint->subject) != (is_root || is_cross) ||
	    (is_root && !is_own) || (is_cross && is_own))
		return "issuer";
	return NULL;
}

/* ---- numbers and dates ---- */

static bool
is_serial(const struct lint *lint, struct berth_bytes value)
{
	struct berth_bytes want =
		berth_bytes_of(lint->wanted->serial, sizeof(lint->wanted->serial));

	while (want.n > 1 && want.p[0] == 0)
		want = berth_bytes_of(want.p + 1, want.n - 1);
	if (value.n == want.n + 1 && value.p[0] == 0 && want.p[0] >= 0x80)
		value = berth_bytes_of(value.p + 1, value.n - 1);
	return berth_bytes_equal(value, want);
}

/* ---- extensions: each returns whether the value is the wanted one ---- */

static bool
is_basic_constraints(const struct lint *lint, struct berth_bytes value)
{
	const uint8_t length = (uint8_t)lint->rule->path_length;
	struct berth_bytes body;

	if (!berth_der_take_only(value, BERTH_DER_SEQUENCE, &body))
		return false;
	if (lint->rule->is_ca && !berth_der_take_equal(&body, BERTH_DER_BOOLEAN, BERTH_LIT("\xff")))
		return false;
	if (lint->rule->is_ca && lint->rule->path_length >= 0 &&
	    !berth_der_take_equal(&body, BERTH_DER_INTEGER, berth_bytes_of(&length, 1)))
		return false;
	return body.n == 0;
}

static bool
is_key_usage(const struct lint *lint, struct berth_bytes value)
{
	uint8_t bits[2] = {0, (uint8_t)lint->rule->key_usage};

	/* X.690 11.2.2: zero bits at the end are left out */
	while (bits[0] < 7 && (bits[1] >> bits[0] & 1) == 0)
		bits[0]++;
	return berth_der_take_equal(&value, BERTH_DER_BIT_STRING,
				    berth_bytes_of(bits, sizeof(bits))) &&
	       value.n == 0;
}

static bool
is_purposes(const struct lint *lint, struct berth_bytes value)
{
	static const struct {
		unsigned bit;
		const char *oid;
	} known[] = {
		{BERTH_EKU_SERVER_AUTH, ID_PKIX "\x03\x01"},
		{BERTH_EKU_CLIENT_AUTH, ID_PKIX "\x03\x02"},
		{BERTH_EKU_CMC_RA, ID_PKIX "\x03\x1c"},
		{BERTH_EKU_OCSP_SIGN, ID_PKIX "\x03\x09"},
	};
	unsigned seen = 0;
	struct berth_bytes rest, oid;

	if (!berth_der_take_only(value, BERTH_DER_SEQUENCE, &rest))
		return false;
	while (rest.n > 0) {
		unsigned bit = 0;
		if (!berth_der_take(&rest, BERTH_DER_OID, &oid))
			return false;
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			bit |= berth_bytes_equal_text(oid, known[i].oid) ? known[i].bit : 0;
		if (bit == 0 || (seen & bit) != 0)
			return false;
		seen |= bit;
	}
	return seen == lint->rule->eku;
}

static bool
is_subject_key_id(const struct lint *lint, struct berth_bytes value)
{
	uint8_t id[BERTH_KEY_ID_BYTES];

	berth_key_id(lint->wanted->key, id);
	return berth_der_take_equal(&value, BERTH_DER_OCTET_STRING,
				    berth_bytes_of(id, sizeof(id))) &&
	       value.n == 0;
}

/* The issuer's own identifier, whatever its method was; of one that has none, and of a root, its key's. */
static bool
is_authority_key_id(const struct lint *lint, struct berth_bytes value)
{
	uint8_t id[BERTH_KEY_ID_BYTES];
	struct berth_bytes body;
	struct berth_bytes want =
		lint->issuer == NULL ? BERTH_BYTES_NONE : berth_cert_ski(lint->issuer);

	berth_key_id(lint->issuer_key, id);
	if (want.n == 0)
		want = berth_bytes_of(id, sizeof(id));
	return berth_der_take_only(value, BERTH_DER_SEQUENCE, &body) &&
	       berth_der_take_equal(&body, CONTEXT_0, want) && body.n == 0;
}

/* RFC 4108 5: [0] { id-on-hardwareModuleName, [0] { SEQUENCE { hwType, hwSerialNum } } } */
static bool
take_hardware_name(const struct lint *lint, struct berth_bytes *rest)
{
	struct berth_bytes name, wrapped, module;
	BERTH_OSSL(ASN1_OBJECT) *type = OBJ_txt2obj(lint->wanted->hw_type, 1);

	return type != NULL && berth_der_take(rest, CONTEXT_0_WITH, &name) &&
	       berth_der_take_equal(&name, BERTH_DER_OID, BERTH_LIT(ID_PKIX "\x08\x04")) &&
	       berth_der_take_only(name, CONTEXT_0_WITH, &wrapped) &&
	       berth_der_take_only(wrapped, BERTH_DER_SEQUENCE, &module) &&
	       berth_der_take_equal(&module, BERTH_DER_OID,
				    berth_bytes_of(OBJ_get0_data(type), OBJ_length(type))) &&
	       berth_der_take_equal(&module, BERTH_DER_OCTET_STRING, lint->wanted->hw_serial) &&
	       module.n == 0;
}

static bool
is_alternative_names(const struct lint *lint, struct berth_bytes value)
{
	struct berth_bytes rest;
	bool ok = berth_der_take_only(value, BERTH_DER_SEQUENCE, &rest);

	for (size_t i = 0; ok && i < lint->wanted->dns_name_count; i++)
		ok = berth_der_take_equal(&rest, DNS_NAME, lint->wanted->dns_names[i]);
	if (ok && lint->wanted->hw_type != NULL)
		ok = take_hardware_name(lint, &rest);
	return ok && rest.n == 0;
}

static bool
is_crl_point(const struct lint *lint, struct berth_bytes value)
{
	struct berth_bytes points, point, name, full;

	return berth_der_take_only(value, BERTH_DER_SEQUENCE, &points) &&
	       berth_der_take_only(points, BERTH_DER_SEQUENCE, &point) &&
	       berth_der_take_only(point, CONTEXT_0_WITH, &name) &&
	       berth_der_take_only(name, CONTEXT_0_WITH, &full) &&
	       berth_der_take_equal(&full, URI, lint->wanted->crl_url) && full.n == 0;
}

static bool
take_access(struct berth_bytes *rest, const char *method, struct berth_bytes url)
{
	struct berth_bytes one;

	if (url.n == 0)
		return true;
	return berth_der_take(rest, BERTH_DER_SEQUENCE, &one) &&
	       berth_der_take_equal(&one, BERTH_DER_OID, berth_text(method)) &&
	       berth_der_take_equal(&one, URI, url) && one.n == 0;
}

static bool
is_access(const struct lint *lint, struct berth_bytes value)
{
	struct berth_bytes rest;

	return berth_der_take_only(value, BERTH_DER_SEQUENCE, &rest) &&
	       take_access(&rest, ID_PKIX "\x30\x01", lint->wanted->ocsp_url) &&
	       take_access(&rest, ID_PKIX "\x30\x02", lint->wanted->issuer_url) && rest.n == 0;
}

static bool
is_masa_url(const struct lint *lint, struct berth_bytes value)
{
	return berth_der_take_equal(&value, BERTH_DER_IA5_STRING, lint->wanted->masa_url) &&
	       value.n == 0;
}

static bool
is_mud_url(const struct lint *lint, struct berth_bytes value)
{
	return berth_der_take_equal(&value, BERTH_DER_IA5_STRING, lint->wanted->mud_url) &&
	       value.n == 0;
}

static bool
is_no_check(const struct lint *lint, struct berth_bytes value)
{
	return lint->rule->no_check && berth_bytes_equal(value, BERTH_LIT("\x05\x00"));
}

/* One Extension (RFC 5280 4.1); *ret: the value inside. */
static bool
take_extension(struct berth_bytes *rest, const char *oid, bool is_critical, struct berth_bytes *ret)
{
	struct berth_bytes body;

	return berth_der_take(rest, BERTH_DER_SEQUENCE, &body) &&
	       berth_der_take_equal(&body, BERTH_DER_OID, berth_text(oid)) &&
	       (!is_critical ||
		berth_der_take_equal(&body, BERTH_DER_BOOLEAN, BERTH_LIT("\xff"))) &&
	       berth_der_take_only(body, BERTH_DER_OCTET_STRING, ret);
}

/* basicConstraints, SKI, AKI always; what else there is must have been asked for. */
static const char *
lint_extensions(const struct lint *lint, struct berth_bytes rest)
{
	const struct berth_cert_template *wanted = lint->wanted;
	const struct {
		const char *name;
		const char *oid;
		bool is_wanted, is_critical;
		bool (*is_right)(const struct lint *lint, struct berth_bytes value);
	} rows[] = {
		{"basicConstraints", "\x55\x1d\x13", true, true, is_basic_constraints},
		{"keyUsage", "\x55\x1d\x0f", lint->rule->key_usage != 0, true, is_key_usage},
		{"extKeyUsage", "\x55\x1d\x25", lint->rule->eku != 0, false, is_purposes},
		{"subjectKeyIdentifier", "\x55\x1d\x0e", true, false, is_subject_key_id},
		{"authorityKeyIdentifier", "\x55\x1d\x23", true, false, is_authority_key_id},
		{"OCSP nocheck", ID_PKIX "\x30\x01\x05", lint->rule->no_check, false, is_no_check},
		{"subjectAltName", "\x55\x1d\x11",
		 wanted->dns_name_count > 0 || wanted->hw_type != NULL, false,
		 is_alternative_names},
		{"CRL distribution point", "\x55\x1d\x1f", wanted->crl_url.n > 0, false,
		 is_crl_point},
		{"authorityInfoAccess", ID_PKIX "\x01\x01",
		 wanted->ocsp_url.n > 0 || wanted->issuer_url.n > 0, false, is_access},
		{"MASA URL", ID_PKIX "\x01\x20", wanted->masa_url.n > 0, false, is_masa_url},
		{"MUD URL", ID_PKIX "\x01\x19", wanted->mud_url.n > 0, false, is_mud_url},
	};
	struct berth_bytes value;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].is_wanted &&
		    (!take_extension(&rest, rows[i].oid, rows[i].is_critical, &value) ||
		     !rows[i].is_right(lint, value)))
			return rows[i].name;
	}
	return rest.n == 0 ? NULL : "the number of extensions";
}

/* ---- the whole ---- */

static bool
is_algorithm(const struct lint *lint, struct berth_bytes inside, struct berth_bytes outside)
{
	const ASN1_OBJECT *want = OBJ_nid2obj(berth_key_kind_of(lint->issuer_key)->signature_nid);

	/* RFC 5280 4.1.1.2 */
	return berth_bytes_equal(inside, outside) &&
	       berth_der_take_equal(&inside, BERTH_DER_OID,
				    berth_bytes_of(OBJ_get0_data(want), OBJ_length(want)));
}

/* NULL: it says what was meant; otherwise what differs. */
static const char *
lint_whole(struct lint *lint, struct berth_bytes der)
{
	struct berth_bytes body, tbs, outside, inside, version, serial, dates, wrapped, extensions;
	struct berth_bytes signature;
	struct berth_der issuer, subject, spki;

	if (!berth_der_take_only(der, BERTH_DER_SEQUENCE, &body) ||
	    !berth_der_take(&body, BERTH_DER_SEQUENCE, &tbs) ||
	    !berth_der_take(&body, BERTH_DER_SEQUENCE, &outside) ||
	    !berth_der_take_only(body, BERTH_DER_BIT_STRING, &signature) || signature.n < 2 ||
	    signature.p[0] != 0)
		return "its form";
	if (!berth_der_take(&tbs, CONTEXT_0_WITH, &version) ||
	    !berth_bytes_equal(version, BERTH_LIT("\x02\x01\x02")))
		return "version";
	if (!berth_der_take(&tbs, BERTH_DER_INTEGER, &serial) || !is_serial(lint, serial))
		return "serial number";
	if (!berth_der_take(&tbs, BERTH_DER_SEQUENCE, &inside) ||
	    !is_algorithm(lint, inside, outside))
		return "signature algorithm";
	if (!berth_der_next(&tbs, &issuer) || !berth_der_take(&tbs, BERTH_DER_SEQUENCE, &dates) ||
	    !berth_der_take_time(&dates, lint->wanted->not_before) ||
	    !berth_der_take_time(&dates, lint->wanted->not_after) || dates.n > 0)
		return "validity";
	if (!berth_der_next(&tbs, &subject) || !berth_der_next(&tbs, &spki) ||
	    !berth_bytes_equal(spki.whole, berth_key_spki(lint->wanted->key)))
		return "public key";
	lint->subject = subject.whole;
	lint->issuer_name = issuer.whole;
	const char *what = lint_subject(lint);
	if (what == NULL)
		what = lint_issuer(lint);
	if (what != NULL)
		return what;
	if (!berth_der_take_only(tbs, CONTEXT_3_WITH, &wrapped) ||
	    !berth_der_take_only(wrapped, BERTH_DER_SEQUENCE, &extensions))
		return "the number of extensions";
	return lint_extensions(lint, extensions);
}

static enum berth_err
lint_signature(struct berth_pki *pki, struct berth_key *issuer_key, struct berth_bytes der,
	       struct berth_why *why)
{
	BERTH_CERT *cert = NULL;
	enum berth_err err = berth_cert_parse(pki, der, &cert, why);

	if (err)
		return err;
	return berth_cert_is_signed_by(cert, issuer_key) ? BERTH_OK : fail_lint(why, "signature");
}

enum berth_err
berth_issue_lint(struct berth_pki *pki, const struct berth_cert_template *wanted,
		 const struct berth_cert *issuer, struct berth_key *issuer_key,
		 struct berth_bytes der, struct berth_why *why)
{
	struct lint lint = {
		.wanted = wanted,
		.rule = berth_profile_rule(wanted->profile),
		.issuer = issuer,
		.issuer_key = issuer_key,
	};
	enum berth_err err = berth_der_check(der, "issue-lint", why);

	if (err)
		return err;
	const char *what = lint_whole(&lint, der);
	if (what != NULL)
		return fail_lint(why, what);
	return lint.rule->is_judged_at_once ? BERTH_OK : lint_signature(pki, issuer_key, der, why);
}
