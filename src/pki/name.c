/* SPDX-License-Identifier: BSD-2-Clause */
/* Distinguished names, general names and dates, as certificates and requests share them. */
#include <limits.h>
#include <time.h>

#include "pki/library.h"
#include "pki/ossl_annot.h"

enum berth_err
berth_name_attribute(const X509_NAME *name, int nid, struct berth_bytes *ret, struct berth_why *why)
{
	unsigned char *utf8 = NULL;

	*ret = BERTH_BYTES_NONE;
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	if (at < 0 || X509_NAME_get_index_by_NID(name, nid, at) >= 0)
		return BERTH_OK;
	int n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	struct berth_bytes text = berth_bytes_of(utf8, n < 0 ? 0 : (size_t)n);
	if (n < 0 || !berth_bytes_is_utf8(text)) {
		OPENSSL_free(utf8);
		return berth_fail(why, BERTH_E_SYNTAX, "x509-subject-text", "RFC 5280 4.1.2.4",
				  "The subject's %s is not text.", OBJ_nid2ln(nid));
	}
	if (n == 0) {
		OPENSSL_free(utf8);
		return BERTH_OK;
	}
	*ret = text;
	return BERTH_OK;
}

enum berth_err
berth_name_add(X509_NAME *name, int nid, struct berth_bytes value, size_t max,
	       struct berth_why *why)
{
	if (value.n == 0)
		return BERTH_OK;
	/* serialNumber is a PrintableString (X.520); others UTF-8 */
	int type = nid == NID_serialNumber ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
	if (type == V_ASN1_PRINTABLESTRING &&
	    ASN1_PRINTABLE_type(value.p, (int)value.n) != V_ASN1_PRINTABLESTRING)
		return berth_fail(why, BERTH_E_USAGE, "x509-serial-number-printable",
				  "RFC 8995 2.3.1",
				  "The serial number has characters outside PrintableString.");
	if (value.n > max || !berth_bytes_is_utf8(value) ||
	    X509_NAME_add_entry_by_NID(name, nid, type, value.p, (int)value.n, -1, 0) != 1)
		return berth_ossl_fail(why, BERTH_E_USAGE, "x509-subject-text", "RFC 5280 A.1",
				       "An attribute of the subject is too long or not text");
	return BERTH_OK;
}

enum berth_err
berth_dns_names_make(const struct berth_bytes *names, size_t n, void *general_names,
		     struct berth_why *why)
{
	GENERAL_NAMES *out = general_names;

	for (size_t i = 0; i < n; i++) {
		if (names[i].n == 0 || names[i].n > 253 || !berth_bytes_is_printable(names[i]) ||
		    memchr(names[i].p, ' ', names[i].n) != NULL)
			return berth_fail(why, BERTH_E_USAGE, "x509-dns-name", "RFC 5280 4.2.1.6",
					  "A dNSName is empty, longer than 253 or not ASCII.");
		BERTH_OSSL(GENERAL_NAME) *name = GENERAL_NAME_new();
		ASN1_IA5STRING *text = ASN1_IA5STRING_new();
		if (name == NULL || text == NULL ||
		    ASN1_STRING_set(text, names[i].p, (int)names[i].n) != 1) {
			ASN1_IA5STRING_free(text);
			return berth_fail(why, BERTH_E_MEMORY, "pki", NULL, "No memory.");
		}
		GENERAL_NAME_set0_value(name, GEN_DNS, text);
		if (sk_GENERAL_NAME_push(out, name) <= 0)
			return berth_fail(why, BERTH_E_MEMORY, "pki", NULL, "No memory.");
		name = NULL; /* out has it */
	}
	return BERTH_OK;
}

struct berth_wall
berth_asn1_wall(const ASN1_TIME *t, bool *ok)
{
	struct tm tm;

	*ok = ASN1_TIME_to_tm(t, &tm) == 1;
	return (struct berth_wall){*ok ? (int64_t)timegm(&tm) : 0};
}

GENERAL_NAME *
berth_uri_name(struct berth_bytes uri)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *text = ASN1_IA5STRING_new();

	if (name == NULL || text == NULL || ASN1_STRING_set(text, uri.p, (int)uri.n) != 1) {
		ASN1_IA5STRING_free(text);
		GENERAL_NAME_free(name);
		return NULL;
	}
	GENERAL_NAME_set0_value(name, GEN_URI, text);
	return name;
}

DIST_POINT_NAME *
berth_point_name(struct berth_bytes uri)
{
	DIST_POINT_NAME *point = DIST_POINT_NAME_new();
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *name = berth_uri_name(uri);

	if (point == NULL || names == NULL || name == NULL ||
	    sk_GENERAL_NAME_push(names, name) <= 0) {
		GENERAL_NAME_free(name);
		GENERAL_NAMES_free(names);
		DIST_POINT_NAME_free(point);
		return NULL;
	}
	point->type = 0; /* fullName */
	point->name.fullname = names;
	return point;
}

char *
berth_name_text(const X509_NAME *name)
{
	char *text = NULL;

	BERTH_OSSL_BIO *bio = BIO_new(BIO_s_mem());
	if (bio == NULL ||
	    X509_NAME_print_ex(bio, name, 0,
			       XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0)
		return NULL;
	char *data = NULL;
	long n = BIO_get_mem_data(bio, &data);
	text = OPENSSL_strndup(n > 0 ? data : "", n > 0 ? (size_t)n : 0);
	return text;
}

bool
berth_name_is_plain(const X509_NAME *name)
{
	bool plain = true;

	for (int i = 0; plain && i < X509_NAME_entry_count(name); i++) {
		const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
		int type = ASN1_STRING_type(value);
		plain = type == V_ASN1_PRINTABLESTRING || type == V_ASN1_IA5STRING ||
			(type == V_ASN1_UTF8STRING &&
			 berth_bytes_is_utf8(berth_bytes_of(ASN1_STRING_get0_data(value),
							    (size_t)ASN1_STRING_length(value))));
	}
	return plain;
}
