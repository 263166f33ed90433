/* SPDX-License-Identifier: BSD-2-Clause */
#include "pki/certificate.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/base64.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define PEM_LINE_BYTES 64
#define BUNDLE_MAX_BYTES (BERTH_CERT_LIST_MAX * (size_t)BERTH_CERT_MAX_BYTES * 3 / 2)

void
berth_cert_list_free(struct berth_cert_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		berth_cert_free(list->at[i]);
	list->n = 0;
}

enum berth_err
berth_cert_list_add(struct berth_cert_list *list, struct berth_cert *cert, struct berth_why *why)
{
	if (list->n == BERTH_CERT_LIST_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "x509-list-full", NULL,
				  "More than %d certificates in one list.", BERTH_CERT_LIST_MAX);
	list->at[list->n++] = berth_cert_ref(cert);
	return BERTH_OK;
}

enum berth_err
berth_cert_list_copy(struct berth_cert_list *to, const struct berth_cert_list *from,
		     struct berth_why *why)
{
	enum berth_err err = BERTH_OK;
	berth_cert_list_free(to);
	for (size_t i = 0; i < from->n && !err; i++)
		err = berth_cert_list_add(to, from->at[i], why);
	if (err)
		berth_cert_list_free(to);
	return err;
}

static bool
is_cross(const struct berth_cert *cert)
{
	struct berth_bytes own = berth_cert_ski(cert);
	struct berth_bytes above = berth_cert_aki_key_id(cert);
	return berth_cert_is_self_issued(cert) && own.n > 0 && above.n > 0 &&
	       !berth_bytes_equal(own, above);
}

struct berth_cert *
berth_cert_list_uncross(const struct berth_cert_list *list, struct berth_cert *cert)
{
	for (size_t i = 0; is_cross(cert) && i < list->n; i++) {
		struct berth_cert *other = list->at[i];
		if (!is_cross(other) && berth_cert_is_ca(other) &&
		    berth_bytes_equal(berth_cert_subject_der(other),
				      berth_cert_subject_der(cert)) &&
		    berth_key_equal(berth_cert_key(other), berth_cert_key(cert)))
			return other;
	}
	return cert;
}

bool
berth_cert_list_has(const struct berth_cert_list *list, const struct berth_cert *cert)
{
	for (size_t i = 0; i < list->n; i++) {
		if (berth_bytes_equal(berth_cert_der(list->at[i]), berth_cert_der(cert)))
			return true;
	}
	return false;
}

static enum berth_err
add_der(struct berth_pki *pki, struct berth_bytes der, struct berth_cert_list *list,
	struct berth_why *why)
{
	BERTH_CERT *cert = NULL;

	enum berth_err err = berth_cert_parse(pki, der, &cert, why);
	return err ? err : berth_cert_list_add(list, cert, why);
}

/* Takes back what a failing call has added: outputs are written on success only. */
static void
shorten(struct berth_cert_list *list, size_t n)
{
	while (list->n > n)
		berth_cert_free(list->at[--list->n]);
}

/* One block of the bundle; *ret_more is false at its end. */
static enum berth_err
add_pem_block(struct berth_pki *pki, BIO *bio, struct berth_cert_list *list, bool *ret_more,
	      struct berth_why *why)
{
	char *name = NULL;
	char *header = NULL;
	unsigned char *der = NULL;
	long n = 0;
	enum berth_err err = BERTH_OK;

	*ret_more = PEM_read_bio(bio, &name, &header, &der, &n) == 1;
	if (!*ret_more) {
		bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
		ERR_clear_error();
		return at_end ? BERTH_OK
			      : berth_fail(why, BERTH_E_SYNTAX, "x509-pem", "RFC 7468",
					   "The PEM text is damaged.");
	}
	if (strcmp(name, PEM_STRING_X509) == 0)
		err = add_der(pki, berth_bytes_of(der, (size_t)n), list, why);
	else
		err = berth_fail(why, BERTH_E_SYNTAX, "x509-pem", "RFC 7468 5",
				 "The PEM text holds a %.40s where a CERTIFICATE is expected.",
				 name);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_clear_free(der, (size_t)n);
	return err;
}

static enum berth_err
add_pem(struct berth_pki *pki, struct berth_bytes pem, struct berth_cert_list *list,
	struct berth_why *why)
{
	size_t before = list->n;
	bool more = true;
	enum berth_err err = BERTH_OK;

	BERTH_OSSL_BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	if (bio == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "pki", NULL, "No memory.");
	while (more && !err)
		err = add_pem_block(pki, bio, list, &more, why);
	if (!err && list->n == before)
		err = berth_fail(why, BERTH_E_SYNTAX, "x509-pem", "RFC 7468 5",
				 "There is no certificate in the file (neither PEM nor DER).");
	if (err)
		shorten(list, before);
	return err;
}

enum berth_err
berth_cert_list_parse(struct berth_pki *pki, struct berth_bytes pem_or_der,
		      struct berth_cert_list *list, struct berth_why *why)
{
	if (pem_or_der.n > BUNDLE_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "x509-list-size", NULL,
				  "The certificates take %zu bytes; %zu are allowed.", pem_or_der.n,
				  BUNDLE_MAX_BYTES);
	/* no text that PEM could be wrapped in begins with a SEQUENCE of two or three length octets */
	if (pem_or_der.n > 2 && pem_or_der.p[0] == 0x30 && pem_or_der.p[1] >= 0x80)
		return add_der(pki, pem_or_der, list, why);
	return add_pem(pki, pem_or_der, list, why);
}

enum berth_err
berth_cert_list_from_chain(struct berth_pki *pki, const struct berth_bytes *der, size_t n,
			   struct berth_cert_list *list, struct berth_why *why)
{
	size_t before = list->n;

	for (size_t i = 0; i < n; i++) {
		enum berth_err err = add_der(pki, der[i], list, why);
		if (err) {
			shorten(list, before);
			return err;
		}
	}
	return BERTH_OK;
}

enum berth_err
berth_cert_append_pem(const struct berth_cert *cert, struct berth_buf *out)
{
	struct berth_bytes der = berth_cert_der(cert);

	enum berth_err err = berth_buf_append_text(out, "-----BEGIN CERTIFICATE-----\n");
	if (!err)
		err = berth_base64_encode(der, PEM_LINE_BYTES, out);
	return err ? err : berth_buf_append_text(out, "-----END CERTIFICATE-----\n");
}
