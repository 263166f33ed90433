/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/crl.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define SECTION "RFC 5280 5"
#define SUBJECT_SHOWN 90
#define CLOCK_SKEW_S 300 /* an issuer's clock may be ahead of ours */
#define ELEMENTS_MAX                                                                               \
	(BERTH_CRL_MAX_BYTES / 4) /* the shortest entry has 25 bytes and five of them */

struct berth_crl {
	X509_CRL *crl;
	uint64_t number;
	struct berth_wall this_update, next_update;
	struct berth_bytes distribution_point, aki; /* into crl's extensions */
	bool only_users, only_cas;
};

/* ---- reading ---- */

static struct berth_bytes
extension_value(const X509_CRL *crl, int nid)
{
	int at = X509_CRL_get_ext_by_NID(crl, nid, -1);
	if (at < 0)
		return BERTH_BYTES_NONE;
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_CRL_get_ext(crl, at));
	return berth_bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
}

static enum berth_err
bad(struct berth_why *why, const char *what)
{
	ERR_clear_error();
	return berth_fail(why, BERTH_E_SYNTAX, "crl-extension", "RFC 5280 5.2",
			  "The revocation list's %s cannot be read.", what);
}

static enum berth_err
read_number(struct berth_crl *crl, struct berth_why *why)
{
	struct berth_bytes value = extension_value(crl->crl, NID_crl_number), number;

	if (value.n == 0)
		return BERTH_OK;
	if (!berth_der_take(&value, BERTH_DER_INTEGER, &number) || value.n > 0 || number.n == 0 ||
	    number.p[0] >= 0x80)
		return bad(why, "number");
	for (size_t i = 0; i < number.n && number.n <= sizeof(crl->number) + (number.p[0] == 0);
	     i++)
		crl->number = crl->number << 8 | number.p[i];
	return BERTH_OK;
}

static enum berth_err
read_aki(struct berth_crl *crl, struct berth_why *why)
{
	struct berth_bytes value = extension_value(crl->crl, NID_authority_key_identifier), body;

	if (value.n == 0)
		return BERTH_OK;
	if (!berth_der_take(&value, BERTH_DER_SEQUENCE, &body) || value.n > 0)
		return bad(why, "authority key identifier");
	if (body.n > 0 && body.p[0] == 0x80 && !berth_der_take(&body, 0x80, &crl->aki))
		return bad(why, "authority key identifier");
	return BERTH_OK;
}

/* distributionPoint [0] { fullName [0] { uniformResourceIdentifier [6] } }: one name, and that a URI. */
static bool
take_point(struct berth_bytes point, struct berth_crl *crl)
{
	struct berth_bytes names;

	return berth_der_take(&point, 0xa0, &names) && point.n == 0 &&
	       berth_der_take(&names, 0x86, &crl->distribution_point) && names.n == 0 &&
	       crl->distribution_point.n > 0;
}

/* req: rfc5280-6.3-idp */
static enum berth_err
read_scope(struct berth_crl *crl, struct berth_why *why)
{
	struct berth_bytes value = extension_value(crl->crl, NID_issuing_distribution_point), body;
	struct berth_der part;

	if (value.n == 0)
		return BERTH_OK;
	if (!berth_der_take(&value, BERTH_DER_SEQUENCE, &body) || value.n > 0)
		return bad(why, "issuing distribution point");
	while (berth_der_next(&body, &part)) {
		bool is_true = part.value.n == 1 && part.value.p[0] == 0xff;
		if (part.tag == 0xa0 && take_point(part.value, crl))
			continue;
		if (part.tag == 0x81 && is_true)
			crl->only_users = true;
		else if (part.tag == 0x82 && is_true)
			crl->only_cas = true;
		else
			return berth_fail(
				why, BERTH_E_UNSUPPORTED, "rfc5280-5.2.5-scope", "RFC 5280 5.2.5",
				"The revocation list is indirect, for some reasons only, or names "
				"its distribution point by other than one URI.");
	}
	return body.n > 0 ? bad(why, "issuing distribution point") : BERTH_OK;
}

/* req: rfc5280-5.2-critical */
static enum berth_err
refuse_critical(const X509_CRL *crl, struct berth_why *why)
{
	for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
		X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
		if (X509_EXTENSION_get_critical(extension) &&
		    OBJ_obj2nid(X509_EXTENSION_get_object(extension)) !=
			    NID_issuing_distribution_point)
			return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc5280-5.2-critical",
					  "RFC 5280 5.2",
					  "The revocation list has a critical extension that is "
					  "not known here.");
	}
	return BERTH_OK;
}

/* req: rfc5280-5.3-critical */
static enum berth_err
refuse_critical_entries(X509_CRL *crl, struct berth_why *why)
{
	STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);

	for (int i = 0; i < sk_X509_REVOKED_num(entries); i++) {
		const STACK_OF(X509_EXTENSION) *extensions =
			X509_REVOKED_get0_extensions(sk_X509_REVOKED_value(entries, i));
		for (int k = 0; k < sk_X509_EXTENSION_num(extensions); k++)
			if (X509_EXTENSION_get_critical(sk_X509_EXTENSION_value(extensions, k)))
				return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc5280-5.3-critical",
						  "RFC 5280 5.3",
						  "An entry of the revocation list has a critical "
						  "extension that is not known here.");
	}
	return BERTH_OK;
}

static enum berth_err
read_times(struct berth_crl *crl, struct berth_why *why)
{
	bool has_this = false, has_next = false;
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl->crl);

	crl->this_update = berth_asn1_wall(X509_CRL_get0_lastUpdate(crl->crl), &has_this);
	/* req: rfc5280-5.1.2.5-next-update */
	if (next != NULL)
		crl->next_update = berth_asn1_wall(next, &has_next);
	if (has_this && has_next)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_SYNTAX, "rfc5280-5.1.2.5-next-update", "RFC 5280 5.1.2.5",
			  "The revocation list does not say when it was made and when the next one "
			  "comes.");
}

static enum berth_err
read_facts(struct berth_crl *crl, struct berth_why *why)
{
	if (X509_CRL_get_version(crl->crl) != X509_CRL_VERSION_2)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc5280-5.1.2.1-version",
				  "RFC 5280 5.1.2.1", "The revocation list is not of version 2.");
	enum berth_err err = read_times(crl, why);
	if (!err)
		err = refuse_critical(crl->crl, why);
	if (!err)
		err = refuse_critical_entries(crl->crl, why);
	if (!err)
		err = read_number(crl, why);
	if (!err)
		err = read_aki(crl, why);
	return err ? err : read_scope(crl, why);
}

enum berth_err
berth_crl_parse(struct berth_pki *pki, struct berth_bytes der, struct berth_crl **ret,
		struct berth_why *why)
{
	if (der.n > BERTH_CRL_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "crl-size", NULL,
				  "The revocation list has %zu bytes; %zu are read.", der.n,
				  BERTH_CRL_MAX_BYTES);
	enum berth_err err = berth_der_check_up_to(der, ELEMENTS_MAX, "crl-der", why);
	if (err)
		return err;
	BERTH_CRL *crl = calloc(1, sizeof(*crl));
	if (crl == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "pki", NULL, "No memory.");
	const unsigned char *p = der.p;
	crl->crl = X509_CRL_new_ex(pki->libctx, NULL);
	if (crl->crl == NULL || d2i_X509_CRL(&crl->crl, &p, (long)der.n) == NULL)
		return berth_ossl_fail(why, BERTH_E_SYNTAX, "crl-syntax", SECTION,
				       "The revocation list cannot be read");
	err = read_facts(crl, why);
	if (err)
		return err;
	*ret = crl;
	crl = NULL;
	return BERTH_OK;
}

void
berth_crl_free(struct berth_crl *crl)
{
	if (crl == NULL)
		return;
	X509_CRL_free(crl->crl);
	free(crl);
}

void
berth_crl_freep(struct berth_crl **crl)
{
	berth_crl_free(*crl);
}

uint64_t
berth_crl_number(const struct berth_crl *crl)
{
	return crl->number;
}

struct berth_wall
berth_crl_this_update(const struct berth_crl *crl)
{
	return crl->this_update;
}

struct berth_wall
berth_crl_next_update(const struct berth_crl *crl)
{
	return crl->next_update;
}

size_t
berth_crl_entry_count(const struct berth_crl *crl)
{
	int n = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl->crl));

	return n < 0 ? 0 : (size_t)n;
}

struct berth_bytes
berth_crl_distribution_point(const struct berth_crl *crl)
{
	return crl->distribution_point;
}

struct berth_bytes
berth_crl_aki_key_id(const struct berth_crl *crl)
{
	return crl->aki;
}

/* ---- checking ---- */

/* req: rfc5280-6.3-issuer */
static enum berth_err
check_issuer(const struct berth_crl *crl, const struct berth_cert *issuer, struct berth_why *why)
{
	X509 *x509 = berth_cert_x509(issuer);
	struct berth_bytes ski = berth_cert_ski(issuer);

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl->crl), X509_get_subject_name(x509)) != 0 ||
	    (crl->aki.n > 0 && ski.n > 0 && !berth_bytes_equal(crl->aki, ski)))
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc5280-6.3-issuer", "RFC 5280 6.3.3",
				  "The revocation list is not by \"%.*s\".", SUBJECT_SHOWN,
				  berth_cert_subject_text(issuer));
	if (!berth_cert_is_ca(issuer) || (X509_get_key_usage(x509) & X509v3_KU_CRL_SIGN) == 0)
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc5280-6.3-crl-sign", "RFC 5280 6.3.3",
				  "\"%.*s\" may not sign revocation lists.", SUBJECT_SHOWN,
				  berth_cert_subject_text(issuer));
	return BERTH_OK;
}

/* Not below 112 bits, as for certificates. */
static bool
is_strong(const X509_CRL *crl)
{
	int digest = NID_undef;

	return OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &digest, NULL) == 1 &&
	       (digest == NID_sha256 || digest == NID_sha384 || digest == NID_sha512);
}

static enum berth_err
check_times(const struct berth_crl *crl, struct berth_wall at, struct berth_why *why)
{
	char text[BERTH_TIME_TEXT_MAX];

	if (crl->this_update.s > at.s + CLOCK_SKEW_S)
		return berth_fail(why, BERTH_E_EXPIRED, "rfc5280-6.3-not-yet", "RFC 5280 6.3.3",
				  "The revocation list begins at %s, which is not yet; look at the "
				  "clocks.",
				  berth_wall_format(crl->this_update, text));
	/* req: rfc5280-6.3-stale */
	if (crl->next_update.s < at.s)
		return berth_fail(why, BERTH_E_EXPIRED, "rfc5280-6.3-stale", "RFC 5280 6.3.3",
				  "The revocation list was to be replaced by %s; fetch the newer "
				  "one.",
				  berth_wall_format(crl->next_update, text));
	return BERTH_OK;
}

enum berth_err
berth_crl_verify(struct berth_pki *pki, const struct berth_crl *crl,
		 const struct berth_cert *issuer, struct berth_wall at, struct berth_why *why)
{
	(void)pki;
	enum berth_err err = check_issuer(crl, issuer, why);
	if (err)
		return err;
	/* req: rfc5280-6.3-signature */
	if (!is_strong(crl->crl) ||
	    X509_CRL_verify(crl->crl, berth_key_public(berth_cert_key(issuer))) != 1) {
		ERR_clear_error();
		return berth_fail(why, BERTH_E_SIGNATURE, "rfc5280-6.3-signature", "RFC 5280 6.3.3",
				  "The revocation list's signature does not hold.");
	}
	return check_times(crl, at, why);
}

enum berth_err
berth_crl_check(const struct berth_crl *crl, const struct berth_cert *cert, struct berth_why *why)
{
	X509_REVOKED *entry = NULL;
	char text[BERTH_TIME_TEXT_MAX];
	bool is_known = false;

	if (X509_NAME_cmp(X509_CRL_get_issuer(crl->crl),
			  X509_get_issuer_name(berth_cert_x509_keyless(cert))) != 0 ||
	    (crl->distribution_point.n > 0 &&
	     !berth_bytes_equal(crl->distribution_point, berth_cert_crl_url(cert))) ||
	    (crl->only_users && berth_cert_is_ca(cert)) ||
	    (crl->only_cas && !berth_cert_is_ca(cert)))
		return berth_fail(why, BERTH_E_MISMATCH, "rfc5280-6.3-scope", "RFC 5280 6.3.3",
				  "The revocation list does not cover the certificate of \"%.*s\".",
				  SUBJECT_SHOWN, berth_cert_subject_text(cert));
	if (X509_CRL_get0_by_cert(crl->crl, &entry, berth_cert_x509_keyless(cert)) == 0)
		return BERTH_OK;
	struct berth_wall at = berth_asn1_wall(X509_REVOKED_get0_revocationDate(entry), &is_known);
	/* req: rfc5280-6.3-revoked */
	return berth_fail(why, BERTH_E_DENIED, "rfc5280-6.3-revoked", "RFC 5280 6.3",
			  "The certificate of \"%.*s\" was revoked%s%s.", SUBJECT_SHOWN,
			  berth_cert_subject_text(cert), is_known ? " at " : "",
			  is_known ? berth_wall_format(at, text) : "");
}
