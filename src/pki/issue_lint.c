/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second look at what was signed. It reads the finished DER and shares no code with what built
 * it but the table of profiles.
 */
#include <openssl/err.h>

#include "pki/issue_profile.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define DIGITAL_SIGNATURE 0x80
#define KEY_AGREEMENT 0x08
#define CERT_SIGN 0x04
#define CRL_SIGN 0x02

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

static enum berth_err
lint_names(const struct berth_cert_template *wanted, const struct berth_cert *cert,
	   struct berth_why *why)
{
	const struct {
		const char *name;
		struct berth_bytes want, have;
	} rows[] = {
		{"commonName", wanted->common_name, berth_cert_subject_common_name(cert)},
		{"serialNumber", wanted->serial_number, berth_cert_subject_serial_number(cert)},
		{"organization", wanted->organization, berth_cert_subject_organization(cert)},
		{"organizational unit", wanted->unit, berth_cert_subject_unit(cert)},
		{"MASA URL", wanted->masa_url, berth_cert_masa_url(cert)},
		{"MUD URL", wanted->mud_url, berth_cert_mud_url(cert)},
		{"CRL distribution point", wanted->crl_url, berth_cert_crl_url(cert)},
		{"OCSP responder", wanted->ocsp_url, berth_cert_ocsp_url(cert)},
		{"issuer's address", wanted->issuer_url, berth_cert_issuer_url(cert)},
		{"hardware serial", wanted->hw_type == NULL ? BERTH_BYTES_NONE : wanted->hw_serial,
		 berth_cert_hw_serial(cert)},
	};
	int attributes = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!berth_bytes_equal(rows[i].want, rows[i].have))
			return fail_lint(why, rows[i].name);
		attributes += i < 4 && rows[i].want.n > 0;
	}
	if (X509_NAME_entry_count(X509_get_subject_name(berth_cert_x509_keyless(cert))) !=
	    attributes)
		return fail_lint(why, "the number of subject attributes");
	if (wanted->hw_type != NULL && strcmp(wanted->hw_type, berth_cert_hw_type(cert)) != 0)
		return fail_lint(why, "hardware type");
	return BERTH_OK;
}

static enum berth_err
lint_san(const struct berth_cert_template *wanted, const struct berth_cert *cert,
	 struct berth_why *why)
{
	size_t dns = 0;
	int critical = 0;

	BERTH_OSSL(GENERAL_NAMES) *names = X509_get_ext_d2i(berth_cert_x509_keyless(cert),
							    NID_subject_alt_name, &critical, NULL);
	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type == GEN_OTHERNAME && wanted->hw_type != NULL)
			continue;
		if (name->type != GEN_DNS || dns == wanted->dns_name_count ||
		    !berth_bytes_equal(wanted->dns_names[dns],
				       berth_bytes_of(ASN1_STRING_get0_data(name->d.dNSName),
						      (size_t)ASN1_STRING_length(name->d.dNSName))))
			return fail_lint(why, "subjectAltName");
		dns++;
	}
	return dns == wanted->dns_name_count ? BERTH_OK : fail_lint(why, "subjectAltName");
}

static enum berth_err
lint_profile(const struct berth_cert_template *wanted, const struct berth_cert *cert,
	     const struct berth_key *issuer_key, struct berth_why *why)
{
	const struct berth_profile_rule *rule = berth_profile_rule(wanted->profile);
	X509 *x509 = berth_cert_x509_keyless(cert);
	bool has_eku = false;
	uint8_t id[BERTH_KEY_ID_BYTES];

	if (X509_get_ext_by_NID(x509, NID_basic_constraints, -1) < 0 ||
	    berth_cert_is_ca(cert) != rule->is_ca || X509_get_pathlen(x509) != rule->path_length)
		return fail_lint(why, "basicConstraints");
	uint32_t usage = X509_get_key_usage(x509);
	if (usage != (rule->key_usage == 0 ? UINT32_MAX : rule->key_usage))
		return fail_lint(why, "keyUsage");
	if (berth_cert_eku(cert, &has_eku) != rule->eku || has_eku != (rule->eku != 0))
		return fail_lint(why, "extKeyUsage");
	if ((X509_get_ext_by_NID(x509, NID_id_pkix_OCSP_noCheck, -1) >= 0) != rule->no_check)
		return fail_lint(why, "OCSP nocheck");
	berth_key_id(wanted->key, id);
	if (!berth_bytes_equal(berth_cert_ski(cert), berth_bytes_of(id, sizeof(id))))
		return fail_lint(why, "subjectKeyIdentifier");
	if (berth_cert_aki_key_id(cert).n == 0)
		return fail_lint(why, "authorityKeyIdentifier");
	bool is_root = wanted->profile == BERTH_PROFILE_ROOT_CA;
	bool is_cross = wanted->profile == BERTH_PROFILE_CROSS_CA;
	if ((is_root || is_cross) != berth_cert_is_self_issued(cert) ||
	    (is_root && !berth_key_equal(issuer_key, wanted->key)) ||
	    (is_cross && berth_key_equal(issuer_key, wanted->key)))
		return fail_lint(why, "issuer");
	return BERTH_OK;
}

/* basicConstraints, SKI, AKI always; what else there is must have been asked for. */
static enum berth_err
lint_extension_count(const struct berth_cert_template *wanted, const struct berth_cert *cert,
		     struct berth_why *why)
{
	const struct berth_profile_rule *rule = berth_profile_rule(wanted->profile);
	int want = 3 + (rule->key_usage != 0) + (rule->eku != 0) + (wanted->masa_url.n > 0) +
		   (wanted->mud_url.n > 0) + (wanted->crl_url.n > 0) +
		   (wanted->ocsp_url.n > 0 || wanted->issuer_url.n > 0) + rule->no_check +
		   (wanted->dns_name_count > 0 || wanted->hw_type != NULL);

	return X509_get_ext_count(berth_cert_x509_keyless(cert)) == want
		       ? BERTH_OK
		       : fail_lint(why, "the number of extensions");
}

enum berth_err
berth_issue_lint(struct berth_pki *pki, const struct berth_cert_template *wanted,
		 struct berth_key *issuer_key, struct berth_bytes der, struct berth_why *why)
{
	BERTH_CERT *cert = NULL;
	struct berth_bytes serial = berth_bytes_of(wanted->serial, sizeof(wanted->serial));

	enum berth_err err = berth_cert_parse(pki, der, &cert, why);
	if (err)
		return err;
	while (serial.n > 0 && serial.p[0] == 0)
		serial = berth_bytes_of(serial.p + 1, serial.n - 1);
	if (!berth_bytes_equal(serial, berth_cert_serial(cert)))
		return fail_lint(why, "serial number");
	if (berth_cert_not_before(cert).s != wanted->not_before.s ||
	    berth_cert_not_after(cert).s != wanted->not_after.s)
		return fail_lint(why, "validity");
	if (!berth_key_equal(berth_cert_key(cert), wanted->key))
		return fail_lint(why, "public key");
	err = lint_names(wanted, cert, why);
	if (!err)
		err = lint_san(wanted, cert, why);
	if (!err)
		err = lint_profile(wanted, cert, issuer_key, why);
	if (!err)
		err = lint_extension_count(wanted, cert, why);
	if (err)
		return err;
	if (!berth_profile_rule(wanted->profile)->is_judged_at_once &&
	    !berth_cert_is_signed_by(cert, issuer_key))
		return fail_lint(why, "signature");
	return BERTH_OK;
}
