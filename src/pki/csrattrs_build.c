/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/csrattrs.h"
#include "pki/csrattrs_oid.h"
#include "pki/der.h"

/* Each level is a buffer of its own, put whole into the one above; the first failure sticks. */
struct level {
	struct berth_buf buf;
	enum berth_err err;
};

static void
level_free(struct level *level)
{
	berth_buf_free(&level->buf);
}
#define LEVEL BERTH_CLEANUP(level_free) struct level

static void
put(struct level *out, uint8_t tag, struct berth_bytes value)
{
	if (!out->err)
		out->err = berth_der_put(&out->buf, tag, value);
}

/* Closes inner into out. */
static void
close_as(struct level *out, uint8_t tag, const struct level *inner)
{
	if (!out->err)
		out->err = inner->err;
	put(out, tag, berth_buf_view(&inner->buf));
}

static struct berth_bytes
curve_of(const char *key)
{
	if (strcmp(key, "P-384") == 0)
		return BERTH_LIT(OID_P384);
	return strcmp(key, "P-521") == 0 ? BERTH_LIT(OID_P521) : BERTH_LIT(OID_P256);
}

/* SEQUENCE { type, SET { value } } */
static void
put_attribute(struct level *out, struct berth_bytes type, const struct level *values)
{
	LEVEL attribute = {0};
	put(&attribute, BERTH_DER_OID, type);
	close_as(&attribute, BERTH_DER_SET, values);
	close_as(out, BERTH_DER_SEQUENCE, &attribute);
}

/* SEQUENCE OF Extension: the subjectAltName; without names, only its type: the client fills it in. */
static void
put_extensions(struct level *out, const struct berth_csrattrs *attrs)
{
	LEVEL names = {0};
	LEVEL value = {0};
	LEVEL extension = {0};
	LEVEL extensions = {0};
	put(&extension, BERTH_DER_OID, BERTH_LIT(OID_SUBJECT_ALT_NAME));
	for (size_t i = 0; i < attrs->dns_name_count; i++)
		put(&names, TAG_DNS_NAME, attrs->dns_names[i]);
	if (attrs->dns_name_count > 0) {
		close_as(&value, BERTH_DER_SEQUENCE, &names);
		close_as(&extension, BERTH_DER_OCTET_STRING, &value);
	}
	close_as(&extensions, BERTH_DER_SEQUENCE, &extension);
	close_as(out, BERTH_DER_SEQUENCE, &extensions);
}

/* ---- as RFC 7030 has it ---- */

/* req: rfc9908-3.2-extension-values */
static void
put_plain(struct level *out, const struct berth_csrattrs *attrs)
{
	if (attrs->want_serial_number)
		put(out, BERTH_DER_OID, BERTH_LIT(OID_SERIAL_NUMBER));
	if (attrs->want_challenge_password)
		put(out, BERTH_DER_OID, BERTH_LIT(OID_CHALLENGE_PASSWORD));
	if (attrs->key != NULL) {
		LEVEL curve = {0};
		put(&curve, BERTH_DER_OID, curve_of(attrs->key));
		put_attribute(out, BERTH_LIT(OID_EC_PUBLIC_KEY), &curve);
	}
	if (attrs->want_sha256)
		put(out, BERTH_DER_OID, BERTH_LIT(OID_ECDSA_SHA256));
	if (attrs->dns_name_count > 0) {
		LEVEL extensions = {0};
		put_extensions(&extensions, attrs);
		put_attribute(out, BERTH_LIT(OID_EXTENSION_REQUEST), &extensions);
	}
}

/* ---- the template ---- */

/* SET { SEQUENCE { type, value OPTIONAL } } */
static void
put_name(struct level *out, struct berth_bytes type, uint8_t tag, struct berth_bytes value)
{
	LEVEL single = {0};
	LEVEL relative = {0};
	put(&single, BERTH_DER_OID, type);
	if (value.n > 0)
		put(&single, tag, value);
	close_as(&relative, BERTH_DER_SEQUENCE, &single);
	close_as(out, BERTH_DER_SET, &relative);
}

/* In the order in which the certificate will have them. */
/* req: rfc9908-3.4-subject */
static void
put_subject(struct level *out, const struct berth_csrattrs *attrs)
{
	LEVEL subject = {0};
	if (attrs->organization.n > 0)
		put_name(&subject, BERTH_LIT(OID_ORGANIZATION), TAG_UTF8_STRING,
			 attrs->organization);
	if (attrs->unit.n > 0)
		put_name(&subject, BERTH_LIT(OID_UNIT), TAG_UTF8_STRING, attrs->unit);
	if (attrs->want_common_name)
		put_name(&subject, BERTH_LIT(OID_COMMON_NAME), TAG_UTF8_STRING, attrs->common_name);
	if (attrs->want_serial_number)
		put_name(&subject, BERTH_LIT(OID_SERIAL_NUMBER), TAG_PRINTABLE_STRING,
			 attrs->serial_number);
	if (subject.buf.n > 0 || subject.err)
		close_as(out, BERTH_DER_SEQUENCE, &subject);
}

/* req: rfc9908-3.4-key */
static void
put_key(struct level *out, const char *key)
{
	LEVEL algorithm = {0};
	LEVEL info = {0};
	if (key == NULL)
		return;
	put(&algorithm, BERTH_DER_OID, BERTH_LIT(OID_EC_PUBLIC_KEY));
	put(&algorithm, BERTH_DER_OID, curve_of(key));
	close_as(&info, BERTH_DER_SEQUENCE, &algorithm);
	close_as(out, TAG_TEMPLATE_KEY, &info);
}

/* req: rfc9908-3.4-template, rfc9908-3.4-extensions */
static void
put_template(struct level *out, const struct berth_csrattrs *attrs)
{
	static const uint8_t version_1 = 0;
	LEVEL attributes = {0};
	LEVEL content = {0};
	LEVEL value = {0};
	put(&content, BERTH_DER_INTEGER, berth_bytes_of(&version_1, 1));
	put_subject(&content, attrs);
	put_key(&content, attrs->key);
	if (attrs->dns_name_count > 0 || attrs->want_dns_names) {
		LEVEL extensions = {0};
		put_extensions(&extensions, attrs);
		put_attribute(&attributes,
			      attrs->dns_name_count > 0 ? BERTH_LIT(OID_EXTENSION_REQUEST)
							: BERTH_LIT(OID_EXTENSION_TEMPLATE),
			      &extensions);
	}
	close_as(&content, TAG_TEMPLATE_ATTRIBUTES, &attributes);
	close_as(&value, BERTH_DER_SEQUENCE, &content);
	put_attribute(out, BERTH_LIT(OID_REQUEST_TEMPLATE), &value);
}

static bool
may_be_said(struct berth_bytes name)
{
	return name.n > 0 && name.n <= 253 && berth_bytes_is_printable(name) &&
	       memchr(name.p, ' ', name.n) == NULL;
}

enum berth_err
berth_csrattrs_build(const struct berth_csrattrs *attrs, enum berth_csrattrs_style style,
		     struct berth_buf *der, struct berth_why *why)
{
	LEVEL elements = {0};
	LEVEL whole = {0};
	for (size_t i = 0; i < attrs->dns_name_count; i++)
		if (!may_be_said(attrs->dns_names[i]))
			return berth_fail(why, BERTH_E_USAGE, "x509-dns-name", "RFC 5280 4.2.1.6",
					  "A dNSName is empty, longer than 253 or not ASCII.");
	if (style != BERTH_CSRATTRS_TEMPLATE)
		put_plain(&elements, attrs);
	if (style != BERTH_CSRATTRS_PLAIN)
		put_template(&elements, attrs);
	close_as(&whole, BERTH_DER_SEQUENCE, &elements);
	enum berth_err err =
		whole.err ? whole.err : berth_buf_append_bytes(der, berth_buf_view(&whole.buf));
	return err ? berth_fail(why, err, "csrattrs-build", "RFC 7030 4.5.2",
				"The CSR attributes cannot be built.")
		   : BERTH_OK;
}
