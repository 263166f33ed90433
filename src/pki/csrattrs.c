/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/csrattrs.h"

#include "pki/csrattrs_oid.h"
#include "pki/der.h"

#define CSRATTRS_MAX_BYTES 8192 /* a template of RFC 9908 with its names takes 1 KiB */
#define NAME_MAX_BYTES 64	/* ub-common-name, ub-serial-number ... of RFC 5280 A.1 */

static enum berth_err
fail_syntax(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_SYNTAX, "csrattrs-syntax", "RFC 9908 3",
			  "The CSR attributes are malformed.");
}

static const char *
key_of(struct berth_bytes curve)
{
	if (berth_bytes_equal(curve, BERTH_LIT(OID_P256)))
		return "P-256";
	if (berth_bytes_equal(curve, BERTH_LIT(OID_P384)))
		return "P-384";
	return berth_bytes_equal(curve, BERTH_LIT(OID_P521)) ? "P-521" : NULL;
}

/* GeneralNames: the dNSNames. */
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
		if (name.tag != TAG_DNS_NAME || attrs->dns_name_count == BERTH_REQUEST_NAMES_MAX)
			continue;
		if (name.value.n == 0 || !berth_bytes_is_printable(name.value))
			return false;
		attrs->dns_names[attrs->dns_name_count++] = name.value;
	}
	return true;
}

/* Extensions: SEQUENCE OF SEQUENCE { OID, BOOLEAN?, OCTET STRING? }; only the SAN is understood. */
/* req: rfc9908-3.2-extension-values, rfc9908-3.2-once */
static bool
read_extensions(struct berth_bytes extensions, bool is_template, struct berth_csrattrs *attrs)
{
	struct berth_bytes extension, type, critical, value;
	bool seen = false;

	while (extensions.n > 0) {
		if (!berth_der_take(&extensions, BERTH_DER_SEQUENCE, &extension) ||
		    !berth_der_take(&extension, BERTH_DER_OID, &type))
			return false;
		(void)berth_der_take(&extension, BERTH_DER_BOOLEAN, &critical);
		value = BERTH_BYTES_NONE;
		bool has_value = berth_der_take(&extension, BERTH_DER_OCTET_STRING, &value);
		if (extension.n > 0 || (!has_value && !is_template))
			return false;
		if (!berth_bytes_equal(type, BERTH_LIT(OID_SUBJECT_ALT_NAME)))
			continue;
		if (seen)
			return false;
		seen = true;
		/* without a value the device chooses its own (RFC 9908 3.2) */
		if (value.n == 0)
			attrs->want_dns_names = true;
		else if (!read_names(value, attrs))
			return false;
	}
	return true;
}

/* ---- as RFC 7030 has it ---- */

static bool
read_attribute(struct berth_bytes type, struct berth_bytes values, struct berth_csrattrs *attrs)
{
	struct berth_bytes value;

	if (berth_bytes_equal(type, BERTH_LIT(OID_SERIAL_NUMBER)))
		attrs->want_serial_number = true;
	if (berth_bytes_equal(type, BERTH_LIT(OID_EC_PUBLIC_KEY)) &&
	    berth_der_take(&values, BERTH_DER_OID, &value) && attrs->key == NULL)
		attrs->key = key_of(value);
	/* RFC 7030's own example puts bare OIDs here: skipped, as all that is not understood */
	if (berth_bytes_equal(type, BERTH_LIT(OID_EXTENSION_REQUEST)) &&
	    berth_der_take(&values, BERTH_DER_SEQUENCE, &value))
		return read_extensions(value, false, attrs);
	return true;
}

/* ---- the template ---- */

static bool
read_text(struct berth_bytes rest, struct berth_bytes *ret)
{
	struct berth_der text;
	*ret = BERTH_BYTES_NONE;
	if (rest.n == 0)
		return true; /* the client's own */
	if (!berth_der_next(&rest, &text) || rest.n > 0 || text.value.n > NAME_MAX_BYTES ||
	    !berth_bytes_is_utf8(text.value) ||
	    (text.tag != TAG_UTF8_STRING && text.tag != TAG_PRINTABLE_STRING))
		return false;
	*ret = text.value;
	return true;
}

static enum berth_err
fail_unknown(struct berth_why *why)
{
	return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc9908-3.4-unknown-name", "RFC 9908 3.4",
			  "The template asks for an attribute of the subject that we do not know.");
}

/* SET { SEQUENCE { type, value OPTIONAL } }, one in each set, each type once. */
/* req: rfc9908-3.4-subject */
static enum berth_err
read_relative_name(struct berth_bytes set, struct berth_csrattrs *attrs, unsigned *seen,
		   struct berth_why *why)
{
	const struct {
		struct berth_bytes type;
		struct berth_bytes *value;
		bool *want;
	} known[] = {
		{BERTH_LIT(OID_COMMON_NAME), &attrs->common_name, &attrs->want_common_name},
		{BERTH_LIT(OID_SERIAL_NUMBER), &attrs->serial_number, &attrs->want_serial_number},
		{BERTH_LIT(OID_ORGANIZATION), &attrs->organization, NULL},
		{BERTH_LIT(OID_UNIT), &attrs->unit, NULL},
	};
	struct berth_bytes single, type;
	if (!berth_der_take(&set, BERTH_DER_SEQUENCE, &single) ||
	    !berth_der_take(&single, BERTH_DER_OID, &type))
		return fail_syntax(why);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!berth_bytes_equal(type, known[i].type))
			continue;
		if (set.n > 0 || (*seen & 1U << i) != 0)
			return fail_unknown(why);
		*seen |= 1U << i;
		if (!read_text(single, known[i].value))
			return fail_syntax(why);
		if (known[i].want == NULL && known[i].value->n == 0)
			return fail_unknown(why); /* a device has no organization of its own */
		if (known[i].want != NULL)
			*known[i].want = true;
		return BERTH_OK;
	}
	return fail_unknown(why);
}

static enum berth_err
read_subject(struct berth_bytes subject, struct berth_csrattrs *attrs, struct berth_why *why)
{
	struct berth_bytes set;
	unsigned seen = 0;
	enum berth_err err = BERTH_OK;
	while (!err && subject.n > 0)
		err = berth_der_take(&subject, BERTH_DER_SET, &set)
			      ? read_relative_name(set, attrs, &seen, why)
			      : fail_syntax(why);
	return err;
}

/* [0] { AlgorithmIdentifier, BIT STRING OPTIONAL } */
/* req: rfc9908-3.4-key */
static enum berth_err
read_key(struct berth_bytes info, struct berth_csrattrs *attrs, struct berth_why *why)
{
	struct berth_bytes algorithm, type, curve;
	if (!berth_der_take(&info, BERTH_DER_SEQUENCE, &algorithm) ||
	    !berth_der_take(&algorithm, BERTH_DER_OID, &type))
		return fail_syntax(why);
	if (!berth_bytes_equal(type, BERTH_LIT(OID_EC_PUBLIC_KEY)) ||
	    !berth_der_take(&algorithm, BERTH_DER_OID, &curve) ||
	    (attrs->key = key_of(curve)) == NULL)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "rfc9908-3.4-key", "RFC 9908 3.4",
				  "The template asks for a kind of key that we do not make.");
	return BERTH_OK;
}

/* [1]: at most one of the two kinds of extension request, with one value. */
/* req: rfc9908-3.4-extensions */
static enum berth_err
read_attributes(struct berth_bytes attributes, struct berth_csrattrs *attrs, struct berth_why *why)
{
	struct berth_bytes attribute, type, values, value;
	bool seen = false;
	while (attributes.n > 0) {
		if (!berth_der_take(&attributes, BERTH_DER_SEQUENCE, &attribute) ||
		    !berth_der_take(&attribute, BERTH_DER_OID, &type) ||
		    !berth_der_take(&attribute, BERTH_DER_SET, &values) || attribute.n > 0)
			return fail_syntax(why);
		bool is_template = berth_bytes_equal(type, BERTH_LIT(OID_EXTENSION_TEMPLATE));
		if (!is_template && !berth_bytes_equal(type, BERTH_LIT(OID_EXTENSION_REQUEST)))
			continue;
		if (seen || !berth_der_take(&values, BERTH_DER_SEQUENCE, &value) || values.n > 0 ||
		    !read_extensions(value, is_template, attrs))
			return fail_syntax(why);
		seen = true;
	}
	return BERTH_OK;
}

/* req: rfc9908-3.4-template */
static enum berth_err
read_template(struct berth_bytes values, struct berth_csrattrs *attrs, struct berth_why *why)
{
	struct berth_bytes content, version, part;
	enum berth_err err = BERTH_OK;
	*attrs = (struct berth_csrattrs){.is_template = true};
	if (!berth_der_take(&values, BERTH_DER_SEQUENCE, &content) || values.n > 0 ||
	    !berth_der_take(&content, BERTH_DER_INTEGER, &version) || version.n != 1 ||
	    version.p[0] != 0)
		return fail_syntax(why);
	if (berth_der_take(&content, BERTH_DER_SEQUENCE, &part))
		err = read_subject(part, attrs, why);
	if (!err && berth_der_take(&content, TAG_TEMPLATE_KEY, &part))
		err = read_key(part, attrs, why);
	if (!err && berth_der_take(&content, TAG_TEMPLATE_ATTRIBUTES, &part))
		err = read_attributes(part, attrs, why);
	else if (!err)
		err = fail_syntax(why); /* not optional */
	return !err && content.n > 0 ? fail_syntax(why) : err;
}

/* ---- all ---- */

/* The template's values where there is one: it decides alone (RFC 9908 4). */
/* req: rfc9908-4-template-alone */
static enum berth_err
find_template(struct berth_bytes elements, struct berth_bytes *ret, struct berth_why *why)
{
	struct berth_der element;
	*ret = BERTH_BYTES_NONE;
	while (elements.n > 0) {
		struct berth_bytes type, values;
		if (!berth_der_next(&elements, &element))
			return fail_syntax(why);
		if (element.tag != BERTH_DER_SEQUENCE)
			continue;
		if (!berth_der_take(&element.value, BERTH_DER_OID, &type) ||
		    !berth_der_take(&element.value, BERTH_DER_SET, &values) || element.value.n > 0)
			return fail_syntax(why);
		if (!berth_bytes_equal(type, BERTH_LIT(OID_REQUEST_TEMPLATE)))
			continue;
		if (ret->n > 0 || values.n == 0)
			return fail_syntax(why);
		*ret = values;
	}
	return BERTH_OK;
}

/* req: rfc9908-3.2-unknown */
static enum berth_err
read_plain(struct berth_bytes elements, struct berth_csrattrs *attrs, struct berth_why *why)
{
	struct berth_der element;
	while (elements.n > 0) {
		struct berth_bytes type, values;
		if (!berth_der_next(&elements, &element))
			return fail_syntax(why);
		if (element.tag == BERTH_DER_OID) {
			attrs->want_serial_number |=
				berth_bytes_equal(element.value, BERTH_LIT(OID_SERIAL_NUMBER));
			attrs->want_sha256 |=
				berth_bytes_equal(element.value, BERTH_LIT(OID_ECDSA_SHA256));
			attrs->want_challenge_password |=
				berth_bytes_equal(element.value, BERTH_LIT(OID_CHALLENGE_PASSWORD));
		} else if (element.tag != BERTH_DER_SEQUENCE ||
			   !berth_der_take(&element.value, BERTH_DER_OID, &type) ||
			   !berth_der_take(&element.value, BERTH_DER_SET, &values) ||
			   !read_attribute(type, values, attrs)) {
			return fail_syntax(why);
		}
	}
	return BERTH_OK;
}

enum berth_err
berth_csrattrs_parse(struct berth_bytes der, struct berth_csrattrs *ret, struct berth_why *why)
{
	struct berth_csrattrs attrs = {0};
	struct berth_bytes elements, template;

	if (der.n > CSRATTRS_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "csrattrs-size", NULL,
				  "The CSR attributes have %zu bytes; %d are allowed.", der.n,
				  CSRATTRS_MAX_BYTES);
	enum berth_err err = berth_der_check(der, "csrattrs-der", why);
	if (err)
		return err;
	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &elements))
		return fail_syntax(why);
	err = find_template(elements, &template, why);
	if (!err)
		err = template.n > 0 ? read_template(template, &attrs, why)
				     : read_plain(elements, &attrs, why);
	if (!err)
		*ret = attrs;
	return err;
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
	if (attrs->key != NULL && strcmp(kind, attrs->key) != 0)
		return berth_fail(why, BERTH_E_MISMATCH, "rfc8995-5.9.3-csr-key", "RFC 8995 5.9.3",
				  "The request's key is %s; the CSR attributes ask for %s.", kind,
				  attrs->key);
	if (attrs->want_sha256 && strcmp(digest, "SHA256") != 0)
		return berth_fail(
			why, BERTH_E_MISMATCH, "rfc8995-5.9.3-csr-digest", "RFC 8995 5.9.3",
			"The request is signed with %s; the CSR attributes ask for SHA256.",
			digest);
	for (size_t i = 0; i < attrs->dns_name_count; i++)
		if (!asks_for(request, attrs->dns_names[i]))
			return berth_fail(
				why, BERTH_E_MISMATCH, "rfc8995-5.9.3-csr-dns-name",
				"RFC 8995 5.9.3",
				"The request does not name %.*s, as the CSR attributes ask.",
				attrs->dns_names[i].n > 100 ? 100 : (int)attrs->dns_names[i].n,
				(const char *)attrs->dns_names[i].p);
	return BERTH_OK;
}
