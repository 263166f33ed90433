/* SPDX-License-Identifier: BSD-2-Clause */
/* Into a certificate being built: where its revocation is published (RFC 5280 4.2.1.13, 4.2.2.1). */
#include <openssl/err.h>

#include "pki/issue_profile.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define URL_MAX_BYTES 512

static bool
is_url(struct berth_bytes url)
{
	return url.n == 0 || (url.n <= URL_MAX_BYTES && berth_bytes_is_printable(url) &&
			      berth_bytes_starts_with(url, "http://"));
}

/* req: rfc5280-4.2.1.13-cdp */
static bool
put_point(struct berth_bytes url, X509 *x509)
{
	if (url.n == 0)
		return true;
	BERTH_OSSL(CRL_DIST_POINTS) *points = sk_DIST_POINT_new_null();
	DIST_POINT *point = DIST_POINT_new();
	if (points == NULL || point == NULL || sk_DIST_POINT_push(points, point) <= 0) {
		DIST_POINT_free(point);
		return false;
	}
	point->distpoint = berth_point_name(url);
	return point->distpoint != NULL && X509_add1_ext_i2d(x509, NID_crl_distribution_points,
							     points, 0, X509V3_ADD_DEFAULT) == 1;
}

static bool
add_access(AUTHORITY_INFO_ACCESS *all, int method, struct berth_bytes url)
{
	if (url.n == 0)
		return true;
	ACCESS_DESCRIPTION *one = ACCESS_DESCRIPTION_new();
	if (one == NULL || sk_ACCESS_DESCRIPTION_push(all, one) <= 0) {
		ACCESS_DESCRIPTION_free(one);
		return false;
	}
	GENERAL_NAME_free(one->location);
	one->location = berth_uri_name(url);
	ASN1_OBJECT_free(one->method);
	one->method = OBJ_nid2obj(method);
	return one->location != NULL;
}

enum berth_err
berth_issue_put_sources(const struct berth_cert_template *wanted, X509 *x509, struct berth_why *why)
{
	if (!is_url(wanted->crl_url) || !is_url(wanted->ocsp_url) || !is_url(wanted->issuer_url))
		return berth_fail(
			why, BERTH_E_USAGE, "issue-source-url", "RFC 5280 4.2.1.13",
			"The address of revocation data must begin with http://, be ASCII "
			"and at most %d bytes long.",
			URL_MAX_BYTES);
	BERTH_OSSL(AUTHORITY_INFO_ACCESS) *access = sk_ACCESS_DESCRIPTION_new_null();
	bool has_access = wanted->ocsp_url.n > 0 || wanted->issuer_url.n > 0;
	bool done = access != NULL && put_point(wanted->crl_url, x509) &&
		    add_access(access, NID_ad_OCSP, wanted->ocsp_url) &&
		    add_access(access, NID_ad_ca_issuers, wanted->issuer_url) &&
		    (!has_access ||
		     X509_add1_ext_i2d(x509, NID_info_access, access, 0, X509V3_ADD_DEFAULT) == 1);
	return done ? BERTH_OK
		    : berth_ossl_fail(why, BERTH_E_CRYPTO, "issue-build", "RFC 5280 4.2",
				      "The addresses of revocation data cannot be written");
}
