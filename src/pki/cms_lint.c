/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The second look at what was signed, as pki/issue_lint.c: it reads the finished DER, element by element, and shares no code
 * with what built it. What is not expected is refused.
 */
#include "pki/cms.h"
#include "pki/der.h"
#include "pki/library.h"

#define EXPLICIT_0 0xa0 /* or an implicit SET [0] */
#define PKCS9 "\x2a\x86\x48\x86\xf7\x0d\x01\x09"
#define PKCS7 "\x2a\x86\x48\x86\xf7\x0d\x01\x07"
#define ANIMA_VOUCHER PKCS9 "\x10\x01\x28"

struct lint {
	struct berth_pki *pki;
	const struct berth_cms_fields *fields;
	const struct berth_key_kind *kind;
	struct berth_bytes type; /* of the content, an OID's value */
};

static struct berth_bytes
oid_of(int nid)
{
	const ASN1_OBJECT *object = OBJ_nid2obj(nid);

	return berth_bytes_of(OBJ_get0_data(object), OBJ_length(object));
}

/* RFC 5754 2, 3.3: parameters absent, but NULL for a signature by RSA. */
static bool
take_algorithm(struct berth_bytes *rest, int nid, bool has_null)
{
	struct berth_bytes body;

	return berth_der_take(rest, BERTH_DER_SEQUENCE, &body) &&
	       berth_der_take_equal(&body, BERTH_DER_OID, oid_of(nid)) &&
	       berth_bytes_equal(body, has_null ? BERTH_LIT("\x05\x00") : BERTH_BYTES_NONE);
}

static bool
has_certificate(struct berth_bytes set, const struct berth_cert *wanted)
{
	struct berth_der element;

	while (berth_der_next(&set, &element)) {
		if (berth_bytes_equal(element.whole, berth_cert_der(wanted)))
			return true;
	}
	return false;
}

/* Those that were wanted, in the order that DER gives them, and no other. */
static bool
is_certificates(const struct lint *lint, struct berth_bytes set)
{
	const struct berth_cert_list *others = lint->fields->others;
	size_t count = others == NULL ? 0 : others->n;
	bool ok = has_certificate(set, lint->fields->signer);
	struct berth_der element;
	size_t n = 0;

	for (size_t i = 0; ok && i < count; i++)
		ok = has_certificate(set, others->at[i]);
	while (berth_der_next(&set, &element))
		n++;
	return ok && set.n == 0 && n == count + 1;
}

static bool
take_signer_id(const struct lint *lint, struct berth_bytes *rest)
{
	struct berth_bytes id, serial;
	struct berth_der issuer;
	struct berth_bytes want = berth_cert_serial(lint->fields->signer);

	if (!berth_der_take(rest, BERTH_DER_SEQUENCE, &id) || !berth_der_next(&id, &issuer) ||
	    !berth_bytes_equal(issuer.whole, berth_cert_issuer_der(lint->fields->signer)) ||
	    !berth_der_take(&id, BERTH_DER_INTEGER, &serial) || id.n > 0)
		return false;
	/* X.690 8.3: a zero stands before a number whose top bit is set */
	if (serial.n == want.n + 1 && serial.p[0] == 0)
		serial = berth_bytes_of(serial.p + 1, serial.n - 1);
	return berth_bytes_equal(serial, want);
}

/* The values of the signed attributes. */
static bool
is_content_type(const struct lint *lint, struct berth_bytes value)
{
	return berth_der_take_equal(&value, BERTH_DER_OID, lint->type) && value.n == 0;
}

static bool
is_message_digest(const struct lint *lint, struct berth_bytes value)
{
	uint8_t bytes[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	const struct berth_bytes content = lint->fields->content;

	return EVP_Digest(content.p, content.n, bytes, &n,
			  berth_pki_digest(lint->pki, lint->kind->digest), NULL) == 1 &&
	       berth_der_take_equal(&value, BERTH_DER_OCTET_STRING, berth_bytes_of(bytes, n)) &&
	       value.n == 0;
}

static bool
is_signing_time(const struct lint *lint, struct berth_bytes value)
{
	return !lint->fields->omit_signing_time &&
	       berth_der_take_time(&value, lint->fields->signing_time) && value.n == 0;
}

/* Each once, in any order. */
static bool
is_attributes(const struct lint *lint, struct berth_bytes set)
{
	static const struct {
		const char *oid;
		bool (*is_right)(const struct lint *lint, struct berth_bytes value);
	} rows[] = {
		{PKCS9 "\x03", is_content_type},
		{PKCS9 "\x04", is_message_digest},
		{PKCS9 "\x05", is_signing_time},
	};
	const unsigned all = lint->fields->omit_signing_time ? 3 : 7;
	unsigned seen = 0;

	while (set.n > 0) {
		struct berth_bytes attribute, oid, values;
		unsigned found = 0;
		if (!berth_der_take(&set, BERTH_DER_SEQUENCE, &attribute) ||
		    !berth_der_take(&attribute, BERTH_DER_OID, &oid) ||
		    !berth_der_take_only(attribute, BERTH_DER_SET, &values))
			return false;
		for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			if (berth_bytes_equal_text(oid, rows[i].oid) &&
			    rows[i].is_right(lint, values))
				found = 1U << i;
		}
		if (found == 0 || (seen & found) != 0)
			return false;
		seen |= found;
	}
	return seen == all;
}

/* SignerInfo (RFC 5652 5.3); NULL: as wanted. */
static const char *
lint_signer(const struct lint *lint, struct berth_bytes set)
{
	struct berth_bytes signer, attributes, signature;
	int digest = OBJ_txt2nid(lint->kind->digest);

	if (!berth_der_take_only(set, BERTH_DER_SEQUENCE, &signer) ||
	    !berth_der_take_equal(&signer, BERTH_DER_INTEGER, BERTH_LIT("\x01")) ||
	    !take_signer_id(lint, &signer))
		return "the signer";
	if (!take_algorithm(&signer, digest, false))
		return "the digest";
	if (!berth_der_take(&signer, EXPLICIT_0, &attributes) || !is_attributes(lint, attributes))
		return "a signed attribute";
	if (!take_algorithm(&signer, lint->kind->signature_nid, lint->kind->group == NULL) ||
	    !berth_der_take_only(signer, BERTH_DER_OCTET_STRING, &signature) || signature.n == 0)
		return "the signature's form";
	return NULL;
}

/* SignedData (RFC 5652 5.1); NULL: as wanted. */
static const char *
lint_signed_data(const struct lint *lint, struct berth_bytes data)
{
	const bool is_data = lint->fields->content_type == BERTH_CMS_DATA;
	struct berth_bytes digests, inner, wrapped, content, certificates, signers;

	if (!berth_der_take_equal(&data, BERTH_DER_INTEGER,
				  is_data ? BERTH_LIT("\x01") : BERTH_LIT("\x03")))
		return "the version";
	if (!berth_der_take(&data, BERTH_DER_SET, &digests) ||
	    !take_algorithm(&digests, OBJ_txt2nid(lint->kind->digest), false) || digests.n > 0)
		return "the digest";
	if (!berth_der_take(&data, BERTH_DER_SEQUENCE, &inner) ||
	    !berth_der_take_equal(&inner, BERTH_DER_OID, lint->type) ||
	    !berth_der_take_only(inner, EXPLICIT_0, &wrapped) ||
	    !berth_der_take_only(wrapped, BERTH_DER_OCTET_STRING, &content) ||
	    !berth_bytes_equal(content, lint->fields->content))
		return "the content";
	if (!berth_der_take(&data, EXPLICIT_0, &certificates) ||
	    !is_certificates(lint, certificates))
		return "a certificate";
	if (!berth_der_take_only(data, BERTH_DER_SET, &signers))
		return "the signer";
	return lint_signer(lint, signers);
}

enum berth_err
berth_cms_lint(struct berth_pki *pki, const struct berth_cms_fields *fields, struct berth_bytes der,
	       struct berth_why *why)
{
	const struct lint lint = {
		.pki = pki,
		.fields = fields,
		.kind = berth_key_kind_of(fields->key),
		.type = fields->content_type == BERTH_CMS_DATA ? BERTH_LIT(PKCS7 "\x01")
							       : BERTH_LIT(ANIMA_VOUCHER),
	};
	struct berth_bytes info, wrapped, data;
	enum berth_err err = berth_der_check(der, "cms-lint", why);

	if (err)
		return err;
	const char *what = "the form";
	if (berth_der_take_only(der, BERTH_DER_SEQUENCE, &info) &&
	    berth_der_take_equal(&info, BERTH_DER_OID, BERTH_LIT(PKCS7 "\x02")) &&
	    berth_der_take_only(info, EXPLICIT_0, &wrapped) &&
	    berth_der_take_only(wrapped, BERTH_DER_SEQUENCE, &data))
		what = lint_signed_data(&lint, data);
	return what == NULL ? BERTH_OK
			    : berth_fail(why, BERTH_E_MISMATCH, "cms-lint", NULL,
					 "The signed object does not say what was meant: %s "
					 "differs. It was not released.",
					 what);
}
