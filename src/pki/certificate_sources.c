/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a certificate says that its revocation is published: views into its extensions. */
#include "pki/certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "pki/der.h"
#include "pki/library.h"

#define URI_TAG 0x86 /* GeneralName uniformResourceIdentifier [6] */
/* The contents of id-ad-ocsp and id-ad-caIssuers. */
#define OID_AD_OCSP BERTH_LIT("\x2b\x06\x01\x05\x05\x07\x30\x01")
#define OID_AD_CA_ISSUERS BERTH_LIT("\x2b\x06\x01\x05\x05\x07\x30\x02")

static struct berth_bytes
extension_value(const struct berth_cert *cert, int nid)
{
	int at = X509_get_ext_by_NID(berth_cert_x509_keyless(cert), nid, -1);
	if (at < 0)
		return BERTH_BYTES_NONE;
	const ASN1_OCTET_STRING *value =
		X509_EXTENSION_get_data(X509_get_ext(berth_cert_x509_keyless(cert), at));
	return berth_bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
}

static bool
is_http(const struct berth_der *name)
{
	return name->tag == URI_TAG && berth_bytes_is_printable(name->value) &&
	       berth_bytes_starts_with(name->value, "http://");
}

/* One DistributionPoint; one for some reasons only, or by another issuer, is not whole and is passed by. */
static struct berth_bytes
point_url(struct berth_bytes point)
{
	struct berth_bytes name, names;
	struct berth_der uri;

	if (!berth_der_take(&point, 0xa0, &name) || point.n > 0 ||
	    !berth_der_take(&name, 0xa0, &names))
		return BERTH_BYTES_NONE;
	while (berth_der_next(&names, &uri))
		if (is_http(&uri))
			return uri.value;
	return BERTH_BYTES_NONE;
}

struct berth_bytes
berth_cert_crl_url(const struct berth_cert *cert)
{
	struct berth_bytes value = extension_value(cert, NID_crl_distribution_points);
	struct berth_bytes points, point;

	if (!berth_der_take(&value, BERTH_DER_SEQUENCE, &points))
		return BERTH_BYTES_NONE;
	while (berth_der_take(&points, BERTH_DER_SEQUENCE, &point)) {
		struct berth_bytes url = point_url(point);
		if (url.n > 0)
			return url;
	}
	return BERTH_BYTES_NONE;
}

static struct berth_bytes
access_url(const struct berth_cert *cert, struct berth_bytes method)
{
	struct berth_bytes value = extension_value(cert, NID_info_access);
	struct berth_bytes all, one, oid;
	struct berth_der location;

	if (!berth_der_take(&value, BERTH_DER_SEQUENCE, &all))
		return BERTH_BYTES_NONE;
	while (berth_der_take(&all, BERTH_DER_SEQUENCE, &one))
		if (berth_der_take(&one, BERTH_DER_OID, &oid) && berth_bytes_equal(oid, method) &&
		    berth_der_next(&one, &location) && is_http(&location))
			return location.value;
	return BERTH_BYTES_NONE;
}

struct berth_bytes
berth_cert_ocsp_url(const struct berth_cert *cert)
{
	return access_url(cert, OID_AD_OCSP);
}

struct berth_bytes
berth_cert_issuer_url(const struct berth_cert *cert)
{
	return access_url(cert, OID_AD_CA_ISSUERS);
}

bool
berth_cert_has_revocation_source(const struct berth_cert *cert)
{
	X509 *x509 = berth_cert_x509_keyless(cert);
	bool has = X509_get_ext_by_NID(x509, NID_crl_distribution_points, -1) >= 0;
	AUTHORITY_INFO_ACCESS *access = X509_get_ext_d2i(x509, NID_info_access, NULL, NULL);

	for (int i = 0; !has && i < sk_ACCESS_DESCRIPTION_num(access); i++)
		has = OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(access, i)->method) == NID_ad_OCSP;
	AUTHORITY_INFO_ACCESS_free(access);
	ERR_clear_error();
	/* One that cannot be read cannot be asked either: it counts as there. */
	return has || (!access && X509_get_ext_by_NID(x509, NID_info_access, -1) >= 0);
}
