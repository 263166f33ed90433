/* SPDX-License-Identifier: BSD-2-Clause */
/* The responder's part: built, signed, read again, compared, and only then released. */
#include "pki/ocsp.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "pki/library.h"
#include "pki/ossl_annot.h"

BERTH_OSSL_CLEANUP(OCSP_BASICRESP, OCSP_BASICRESP_free);
BERTH_OSSL_CLEANUP(OCSP_CERTID, OCSP_CERTID_free);
BERTH_OSSL_CLEANUP(OCSP_RESPONSE, OCSP_RESPONSE_free);

static enum berth_err
fail_build(struct berth_why *why)
{
	return berth_ossl_fail(why, BERTH_E_CRYPTO, "ocsp-build", "RFC 6960 4.2",
			       "The OCSP response cannot be built");
}

struct berth_bytes
berth_ocsp_refuse(enum berth_ocsp_error error)
{
	switch (error) {
	case BERTH_OCSP_MALFORMED_REQUEST:
		return BERTH_LIT("\x30\x03\x0a\x01\x01");
	case BERTH_OCSP_INTERNAL_ERROR:
		return BERTH_LIT("\x30\x03\x0a\x01\x02");
	case BERTH_OCSP_TRY_LATER:
		return BERTH_LIT("\x30\x03\x0a\x01\x03");
	case BERTH_OCSP_UNAUTHORIZED:
		break;
	}
	return BERTH_LIT("\x30\x03\x0a\x01\x06");
}

static OCSP_CERTID *
id_of(struct berth_pki *pki, const struct berth_ocsp_single *single,
      const struct berth_cert *issuer)
{
	const EVP_MD *digest = single->hash == BERTH_OCSP_SHA1 ? pki->sha1 : pki->sha256;
	X509 *above = berth_cert_x509(issuer);
	BIGNUM *number = BN_bin2bn(single->serial.p, (int)single->serial.n, NULL);
	BERTH_OSSL(ASN1_INTEGER) *serial = number == NULL ? NULL : BN_to_ASN1_INTEGER(number, NULL);

	BN_free(number);
	return serial == NULL ? NULL
			      : OCSP_cert_id_new(digest, X509_get_subject_name(above),
						 X509_get0_pubkey_bitstr(above), serial);
}

static bool
put_single(struct berth_pki *pki, const struct berth_ocsp_fields *fields,
	   const struct berth_ocsp_single *single, const struct berth_cert *issuer,
	   OCSP_BASICRESP *basic)
{
	static const int statuses[] = {
		[BERTH_OCSP_GOOD] = V_OCSP_CERTSTATUS_GOOD,
		[BERTH_OCSP_REVOKED] = V_OCSP_CERTSTATUS_REVOKED,
		[BERTH_OCSP_UNKNOWN] = V_OCSP_CERTSTATUS_UNKNOWN,
	};
	BERTH_OSSL(OCSP_CERTID) *id = id_of(pki, single, issuer);
	BERTH_OSSL(ASN1_TIME) *from = ASN1_GENERALIZEDTIME_set(NULL, (time_t)fields->this_update.s);
	BERTH_OSSL(ASN1_TIME) *until =
		ASN1_GENERALIZEDTIME_set(NULL, (time_t)fields->next_update.s);
	BERTH_OSSL(ASN1_TIME) *at = ASN1_GENERALIZEDTIME_set(NULL, (time_t)single->revoked_at.s);
	int reason = single->reason == 0 ? OCSP_REVOKED_STATUS_NOSTATUS : (int)single->reason;

	return id != NULL && from != NULL && until != NULL && at != NULL &&
	       OCSP_basic_add1_status(basic, id, statuses[single->status], reason,
				      single->status == BERTH_OCSP_REVOKED ? at : NULL, from,
				      until) != NULL;
}

static bool
put_nonce(struct berth_bytes nonce, OCSP_BASICRESP *basic)
{
	uint8_t bytes[BERTH_OCSP_NONCE_MAX];

	if (nonce.n == 0)
		return true;
	memcpy(bytes, nonce.p, nonce.n);
	return OCSP_basic_add1_nonce(basic, bytes, (int)nonce.n) == 1;
}

static enum berth_err
check_fields(const struct berth_ocsp_fields *fields, struct berth_why *why)
{
	bool is_fine = fields->single_count > 0 && fields->single_count <= BERTH_OCSP_IDS_MAX &&
		       fields->nonce.n <= BERTH_OCSP_NONCE_MAX &&
		       fields->next_update.s > fields->this_update.s;

	for (size_t i = 0; is_fine && i < fields->single_count; i++) {
		const struct berth_ocsp_single *single = &fields->singles[i];
		is_fine = single->hash != BERTH_OCSP_HASH_OTHER && single->serial.n > 0 &&
			  single->serial.n <= BERTH_OCSP_SERIAL_MAX && single->reason <= 10 &&
			  single->reason != 7;
	}
	return is_fine ? BERTH_OK
		       : berth_fail(why, BERTH_E_USAGE, "ocsp-fields", "RFC 6960 4.2.1",
				    "The OCSP response's fields do not fit together.");
}

/* ---- the second look ---- */

static bool
says_what_was_meant(struct berth_pki *pki, const struct berth_ocsp_fields *fields,
		    const struct berth_cert *issuer, struct berth_bytes der)
{
	const unsigned char *p = der.p;
	BERTH_OSSL(OCSP_RESPONSE) *response = d2i_OCSP_RESPONSE(NULL, &p, (long)der.n);
	BERTH_OSSL(OCSP_BASICRESP) *basic =
		response == NULL ? NULL : OCSP_response_get1_basic(response);

	if (basic == NULL || (size_t)OCSP_resp_count(basic) != fields->single_count)
		return false;
	for (size_t i = 0; i < fields->single_count; i++) {
		const struct berth_ocsp_single *want = &fields->singles[i];
		BERTH_OSSL(OCSP_CERTID) *id = id_of(pki, want, issuer);
		OCSP_SINGLERESP *have = OCSP_resp_get0(basic, (int)i);
		int reason = 0;
		ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *until = NULL;
		int status = OCSP_single_get0_status(have, &reason, &revoked, &from, &until);
		bool has_from = false, has_until = false, has_revoked = false;
		bool is_same =
			id != NULL && OCSP_id_cmp(id, OCSP_SINGLERESP_get0_id(have)) == 0 &&
			berth_asn1_wall(from, &has_from).s == fields->this_update.s &&
			berth_asn1_wall(until, &has_until).s == fields->next_update.s &&
			(status == V_OCSP_CERTSTATUS_GOOD) == (want->status == BERTH_OCSP_GOOD) &&
			(status == V_OCSP_CERTSTATUS_REVOKED) ==
				(want->status == BERTH_OCSP_REVOKED);
		if (is_same && want->status == BERTH_OCSP_REVOKED)
			is_same = berth_asn1_wall(revoked, &has_revoked).s == want->revoked_at.s;
		if (!is_same)
			return false;
	}
	return true;
}

static enum berth_err
lint(struct berth_pki *pki, const struct berth_ocsp_fields *fields, const struct berth_cert *issuer,
     struct berth_bytes der, struct berth_why *why)
{
	BERTH_OCSP_RESPONSE *response = NULL;
	enum berth_err err = berth_ocsp_response_parse(pki, der, &response, why);

	if (!err)
		err = berth_ocsp_verify(pki, response, issuer, fields->produced_at, why);
	if (err)
		return err;
	if (says_what_was_meant(pki, fields, issuer, der))
		return BERTH_OK;
	ERR_clear_error();
	return berth_fail(why, BERTH_E_MISMATCH, "ocsp-lint", NULL,
			  "The signed OCSP response does not say what was meant. It was not "
			  "released.");
}

static enum berth_err
finish(struct berth_pki *pki, OCSP_BASICRESP *basic, const struct berth_ocsp_fields *fields,
       const struct berth_cert *issuer, struct berth_buf *der, struct berth_why *why)
{
	BERTH_OSSL(OCSP_RESPONSE) *response =
		OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	unsigned char *bytes = NULL;
	int n = response == NULL ? 0 : i2d_OCSP_RESPONSE(response, &bytes);

	if (n <= 0)
		return fail_build(why);
	struct berth_bytes made = berth_bytes_of(bytes, (size_t)n);
	enum berth_err err = lint(pki, fields, issuer, made, why);
	if (!err)
		err = berth_buf_append_bytes(der, made);
	OPENSSL_free(bytes);
	return err;
}

enum berth_err
berth_ocsp_respond(struct berth_pki *pki, const struct berth_ocsp_fields *fields,
		   const struct berth_cert *issuer, const struct berth_cert *responder,
		   struct berth_key *key, struct berth_buf *der, struct berth_why *why)
{
	enum berth_err err = check_fields(fields, why);
	if (err)
		return err;
	if (!berth_key_equal(berth_cert_key(responder), key))
		return berth_fail(why, BERTH_E_MISMATCH, "ocsp-responder-key", NULL,
				  "The signing key is not that of the responder \"%.100s\".",
				  berth_cert_subject_text(responder));
	BERTH_OSSL(OCSP_BASICRESP) *basic = OCSP_BASICRESP_new();
	bool done = basic != NULL && put_nonce(fields->nonce, basic);
	for (size_t i = 0; done && i < fields->single_count; i++)
		done = put_single(pki, fields, &fields->singles[i], issuer, basic);
	const EVP_MD *digest = berth_pki_digest(pki, berth_key_kind_of(key)->digest);
	bool is_issuer = berth_bytes_equal(berth_cert_der(issuer), berth_cert_der(responder));
	/* A delegate's certificate goes along (RFC 6960 4.2.2.2); the issuer's, who asks has. */
	unsigned long flags = OCSP_RESPID_KEY | (is_issuer ? OCSP_NOCERTS : 0);
	if (!done || OCSP_basic_sign(basic, berth_cert_x509(responder), berth_key_pkey(key), digest,
				     NULL, flags) != 1)
		return fail_build(why);
	return finish(pki, basic, fields, issuer, der, why);
}
