/* SPDX-License-Identifier: BSD-2-Clause */
/* Making a revocation list: built, signed, read again as a stranger would, compared, and only then released. */
#include "pki/crl.h"

#include <time.h>

#include <openssl/err.h>

#include "pki/library.h"
#include "pki/ossl_annot.h"

#define SERIAL_MAX_BYTES 20 /* RFC 5280 4.1.2.2 */

static enum berth_err
fail_build(struct berth_why *why)
{
	return berth_ossl_fail(why, BERTH_E_CRYPTO, "crl-build", "RFC 5280 5",
			       "The revocation list cannot be built");
}

static bool
put_serial(struct berth_bytes serial, X509_REVOKED *revoked)
{
	BERTH_OSSL(ASN1_INTEGER) *integer = NULL;
	BIGNUM *number = BN_bin2bn(serial.p, (int)serial.n, NULL);

	if (number != NULL)
		integer = BN_to_ASN1_INTEGER(number, NULL);
	BN_free(number);
	return integer != NULL && X509_REVOKED_set_serialNumber(revoked, integer) == 1;
}

static bool
put_date_and_reason(const struct berth_crl_entry *entry, X509_REVOKED *revoked)
{
	BERTH_OSSL(ASN1_TIME) *at = ASN1_TIME_set(NULL, (time_t)entry->revoked_at.s);
	BERTH_OSSL(ASN1_ENUMERATED) *reason = ASN1_ENUMERATED_new();

	if (at == NULL || reason == NULL || X509_REVOKED_set_revocationDate(revoked, at) != 1)
		return false;
	/* req: rfc5280-5.3.1-unspecified */
	if (entry->reason == 0)
		return true;
	return ASN1_ENUMERATED_set(reason, (long)entry->reason) == 1 &&
	       X509_REVOKED_add1_ext_i2d(revoked, NID_crl_reason, reason, 0, X509V3_ADD_DEFAULT) ==
		       1;
}

static enum berth_err
put_entry(const struct berth_crl_entry *entry, X509_CRL *crl, struct berth_why *why)
{
	if (entry->serial.n == 0 || entry->serial.n > SERIAL_MAX_BYTES || entry->serial.p[0] == 0 ||
	    entry->reason > 10 || entry->reason == 7 || entry->reason == 8)
		return berth_fail(why, BERTH_E_USAGE, "crl-entry", "RFC 5280 5.3",
				  "An entry has no proper serial number, or a reason that a whole "
				  "list cannot have.");
	BERTH_OSSL(X509_REVOKED) *revoked = X509_REVOKED_new();
	if (revoked == NULL || !put_serial(entry->serial, revoked) ||
	    !put_date_and_reason(entry, revoked) || X509_CRL_add0_revoked(crl, revoked) != 1)
		return fail_build(why);
	revoked = NULL; /* crl has it */
	return BERTH_OK;
}

/* req: rfc5280-5.2.1-aki */
static bool
put_aki(const struct berth_cert *issuer, X509_CRL *crl)
{
	uint8_t id[BERTH_KEY_ID_BYTES];
	BERTH_OSSL(AUTHORITY_KEYID) *authority = AUTHORITY_KEYID_new();
	struct berth_bytes key_id = berth_cert_ski(issuer);

	if (authority == NULL || (authority->keyid = ASN1_OCTET_STRING_new()) == NULL)
		return false;
	berth_key_id(berth_cert_key(issuer), id);
	if (key_id.n == 0)
		key_id = berth_bytes_of(id, sizeof(id));
	return ASN1_OCTET_STRING_set(authority->keyid, key_id.p, (int)key_id.n) == 1 &&
	       X509_CRL_add1_ext_i2d(crl, NID_authority_key_identifier, authority, 0,
				     X509V3_ADD_DEFAULT) == 1;
}

/* req: rfc5280-5.2.3-number */
static bool
put_number(uint64_t number, X509_CRL *crl)
{
	BERTH_OSSL(ASN1_INTEGER) *integer = ASN1_INTEGER_new();

	return integer != NULL && ASN1_INTEGER_set_uint64(integer, number) == 1 &&
	       X509_CRL_add1_ext_i2d(crl, NID_crl_number, integer, 0, X509V3_ADD_DEFAULT) == 1;
}

/* req: rfc5280-5.2.5-critical */
static bool
put_scope(struct berth_bytes url, X509_CRL *crl)
{
	if (url.n == 0)
		return true;
	BERTH_OSSL(ISSUING_DIST_POINT) *scope = ISSUING_DIST_POINT_new();
	if (scope == NULL)
		return false;
	scope->distpoint = berth_point_name(url);
	return scope->distpoint != NULL &&
	       X509_CRL_add1_ext_i2d(crl, NID_issuing_distribution_point, scope, 1,
				     X509V3_ADD_DEFAULT) == 1;
}

static enum berth_err
put_frame(const struct berth_crl_fields *fields, const struct berth_cert *issuer, X509_CRL *crl,
	  struct berth_why *why)
{
	BERTH_OSSL(ASN1_TIME) *from = ASN1_TIME_set(NULL, (time_t)fields->this_update.s);
	BERTH_OSSL(ASN1_TIME) *until = ASN1_TIME_set(NULL, (time_t)fields->next_update.s);
	bool done = from != NULL && until != NULL &&
		    X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		    X509_CRL_set_issuer_name(
			    crl, X509_get_subject_name(berth_cert_x509_keyless(issuer))) == 1 &&
		    X509_CRL_set1_lastUpdate(crl, from) == 1 &&
		    X509_CRL_set1_nextUpdate(crl, until) == 1 && put_aki(issuer, crl) &&
		    put_number(fields->number, crl) && put_scope(fields->distribution_point, crl);
	return done ? BERTH_OK : fail_build(why);
}

static enum berth_err
check_fields(const struct berth_crl_fields *fields, const struct berth_cert *issuer,
	     const struct berth_key *issuer_key, struct berth_why *why)
{
	if (fields->number == 0 || fields->next_update.s <= fields->this_update.s)
		return berth_fail(why, BERTH_E_USAGE, "crl-fields", "RFC 5280 5.1.2.5",
				  "A revocation list has a number, and ends after it begins.");
	if (fields->entry_count > BERTH_CRL_ENTRIES_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "crl-entries", NULL,
				  "More than %d entries in one revocation list.",
				  BERTH_CRL_ENTRIES_MAX);
	if (!berth_key_equal(berth_cert_key(issuer), issuer_key))
		return berth_fail(why, BERTH_E_MISMATCH, "crl-issuer-key", NULL,
				  "The signing key is not that of the issuer \"%.100s\".",
				  berth_cert_subject_text(issuer));
	return BERTH_OK;
}

/* ---- the second look ---- */

static enum berth_err
fail_lint(struct berth_why *why, const char *what)
{
	ERR_clear_error();
	return berth_fail(why, BERTH_E_MISMATCH, "crl-lint", NULL,
			  "The signed revocation list does not say what was meant: %s. It was not "
			  "released.",
			  what);
}

/* In the order they were put: the parsed list is not sorted before it is searched. */
static bool
entries_match(const struct berth_crl_fields *fields, struct berth_bytes der)
{
	const unsigned char *p = der.p;
	BERTH_OSSL(X509_CRL) *crl = d2i_X509_CRL(NULL, &p, (long)der.n);
	STACK_OF(X509_REVOKED) *have = crl == NULL ? NULL : X509_CRL_get_REVOKED(crl);
	bool is_same =
		(have == NULL ? 0 : (size_t)sk_X509_REVOKED_num(have)) == fields->entry_count;

	for (size_t i = 0; is_same && i < fields->entry_count; i++) {
		const X509_REVOKED *one = sk_X509_REVOKED_value(have, (int)i);
		const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(one);
		uint8_t bytes[SERIAL_MAX_BYTES];
		BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
		int n = number == NULL || BN_num_bytes(number) > SERIAL_MAX_BYTES
				? -1
				: BN_bn2bin(number, bytes);
		BN_free(number);
		bool has_date = false;
		struct berth_wall at =
			berth_asn1_wall(X509_REVOKED_get0_revocationDate(one), &has_date);
		is_same = n > 0 && has_date && at.s == fields->entries[i].revoked_at.s &&
			  berth_bytes_equal(berth_bytes_of(bytes, (size_t)n),
					    fields->entries[i].serial);
	}
	return is_same;
}

static enum berth_err
lint(struct berth_pki *pki, const struct berth_crl_fields *fields, const struct berth_cert *issuer,
     struct berth_bytes der, struct berth_why *why)
{
	BERTH_CRL *crl = NULL;
	enum berth_err err = berth_crl_parse(pki, der, &crl, why);

	if (!err)
		err = berth_crl_verify(pki, crl, issuer, fields->this_update, why);
	if (err)
		return err;
	if (berth_crl_number(crl) != fields->number)
		return fail_lint(why, "its number differs");
	if (berth_crl_this_update(crl).s != fields->this_update.s ||
	    berth_crl_next_update(crl).s != fields->next_update.s)
		return fail_lint(why, "its times differ");
	if (!berth_bytes_equal(berth_crl_distribution_point(crl), fields->distribution_point))
		return fail_lint(why, "its distribution point differs");
	if (berth_crl_aki_key_id(crl).n == 0)
		return fail_lint(why, "it names no issuer key");
	return entries_match(fields, der) ? BERTH_OK : fail_lint(why, "its entries differ");
}

enum berth_err
berth_crl_issue(struct berth_pki *pki, const struct berth_crl_fields *fields,
		const struct berth_cert *issuer, struct berth_key *issuer_key,
		struct berth_buf *der, struct berth_why *why)
{
	enum berth_err err = check_fields(fields, issuer, issuer_key, why);
	if (err)
		return err;
	BERTH_OSSL(X509_CRL) *crl = X509_CRL_new_ex(pki->libctx, NULL);
	err = crl == NULL ? fail_build(why) : put_frame(fields, issuer, crl, why);
	for (size_t i = 0; !err && i < fields->entry_count; i++)
		err = put_entry(&fields->entries[i], crl, why);
	if (err)
		return err;
	if (X509_CRL_sign(crl, berth_key_pkey(issuer_key),
			  berth_pki_digest(pki, berth_key_kind_of(issuer_key)->digest)) <= 0)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "crl-sign", NULL,
				       "The issuer's key did not sign");
	unsigned char *bytes = NULL;
	int n = i2d_X509_CRL(crl, &bytes);
	if (n <= 0)
		return fail_build(why);
	struct berth_bytes made = berth_bytes_of(bytes, (size_t)n);
	err = lint(pki, fields, issuer, made, why);
	if (!err)
		err = berth_buf_append_bytes(der, made);
	OPENSSL_free(bytes);
	return err;
}
