/* SPDX-License-Identifier: BSD-2-Clause */
/* OCSP requests, and responses as a relying party reads them. */
#include "pki/ocsp.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>

#include "pki/der.h"
#include "pki/library.h"
#include "pki/ossl_annot.h"

#define SUBJECT_SHOWN 90
#define CLOCK_SKEW_S 300
#define NO_NEXT_UPDATE_S 60 /* "newer is always available": one that says so is good for a minute */

BERTH_OSSL_CLEANUP(OCSP_REQUEST, OCSP_REQUEST_free);
BERTH_OSSL_CLEANUP(OCSP_CERTID, OCSP_CERTID_free);
BERTH_OSSL_CLEANUP(OCSP_RESPONSE, OCSP_RESPONSE_free);

struct berth_ocsp_response {
	OCSP_BASICRESP *basic;
	uint8_t *der; /* of BasicOCSPResponse */
	struct berth_bytes signed_part, signature;
	const char *digest;
};

/* ---- requests ---- */

static enum berth_err
bad_request(struct berth_why *why, const char *what)
{
	ERR_clear_error();
	return berth_fail(why, BERTH_E_SYNTAX, "ocsp-request", "RFC 6960 4.1.1",
			  "The OCSP request's %s cannot be read.", what);
}

static enum berth_ocsp_hash
hash_of(const ASN1_OBJECT *algorithm)
{
	int nid = OBJ_obj2nid(algorithm);

	if (nid == NID_sha1)
		return BERTH_OCSP_SHA1;
	return nid == NID_sha256 ? BERTH_OCSP_SHA256 : BERTH_OCSP_HASH_OTHER;
}

static bool
copy_hash(const ASN1_OCTET_STRING *from, uint8_t to[BERTH_SHA256_BYTES], size_t want)
{
	if ((size_t)ASN1_STRING_length(from) != want)
		return false;
	memcpy(to, ASN1_STRING_get0_data(from), want);
	return true;
}

/* The magnitude of a positive serial number; 0 bytes: zero, negative or too long. */
static size_t
copy_serial(const ASN1_INTEGER *from, uint8_t to[BERTH_OCSP_SERIAL_MAX])
{
	size_t n = (size_t)ASN1_STRING_length(from);

	if (ASN1_STRING_type(from) != V_ASN1_INTEGER || n == 0 || n > BERTH_OCSP_SERIAL_MAX)
		return 0;
	memcpy(to, ASN1_STRING_get0_data(from), n);
	return to[0] == 0 ? 0 : n;
}

static enum berth_err
read_id(OCSP_CERTID *from, struct berth_ocsp_id *ret, struct berth_why *why)
{
	ASN1_OCTET_STRING *name = NULL, *key = NULL;
	ASN1_OBJECT *algorithm = NULL;
	ASN1_INTEGER *serial = NULL;

	if (OCSP_id_get0_info(&name, &algorithm, &key, &serial, from) != 1)
		return bad_request(why, "certificate id");
	ret->hash = hash_of(algorithm);
	ret->serial_n = copy_serial(serial, ret->serial);
	if (ret->serial_n == 0)
		return bad_request(why, "serial number");
	if (ret->hash == BERTH_OCSP_HASH_OTHER)
		return BERTH_OK; /* it matches no issuer of ours */
	ret->hash_n = ret->hash == BERTH_OCSP_SHA1 ? 20 : BERTH_SHA256_BYTES;
	if (!copy_hash(name, ret->name_hash, ret->hash_n) ||
	    !copy_hash(key, ret->key_hash, ret->hash_n))
		return bad_request(why, "certificate id");
	return BERTH_OK;
}

/* req: rfc6960-4.4.1-nonce */
static enum berth_err
read_nonce(OCSP_REQUEST *from, struct berth_ocsp_request *ret, struct berth_why *why)
{
	int at = OCSP_REQUEST_get_ext_by_NID(from, NID_id_pkix_OCSP_Nonce, -1);
	struct berth_bytes nonce;

	if (at < 0)
		return BERTH_OK;
	const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(from, at));
	struct berth_bytes der =
		berth_bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
	if (!berth_der_take(&der, BERTH_DER_OCTET_STRING, &nonce) || der.n > 0 || nonce.n == 0 ||
	    nonce.n > sizeof(ret->nonce))
		return berth_fail(why, BERTH_E_SYNTAX, "rfc9654-2.1-nonce", "RFC 9654 2.1",
				  "The OCSP request's nonce is not of 1 to %d bytes.",
				  BERTH_OCSP_NONCE_MAX);
	memcpy(ret->nonce, nonce.p, nonce.n);
	ret->nonce_n = nonce.n;
	return BERTH_OK;
}

static bool
has_critical(OCSP_REQUEST *from)
{
	for (int i = 0; i < OCSP_REQUEST_get_ext_count(from); i++) {
		X509_EXTENSION *extension = OCSP_REQUEST_get_ext(from, i);
		if (X509_EXTENSION_get_critical(extension) &&
		    OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != NID_id_pkix_OCSP_Nonce)
			return true;
	}
	return false;
}

/* req: rfc6960-4.1.2-critical */
static enum berth_err
refuse_critical(OCSP_REQUEST *from, struct berth_why *why)
{
	bool is_critical = has_critical(from);

	/* Of what is asked about one certificate none is known. */
	for (int i = 0; i < OCSP_request_onereq_count(from); i++)
		is_critical |= OCSP_ONEREQ_get_ext_by_critical(OCSP_request_onereq_get0(from, i), 1,
							       -1) >= 0;
	return is_critical ? berth_fail(why, BERTH_E_UNSUPPORTED, "rfc6960-4.1.2-critical",
					"RFC 6960 4.1.2",
					"The OCSP request has a critical extension that is not "
					"known here.")
			   : BERTH_OK;
}

enum berth_err
berth_ocsp_request_parse(struct berth_pki *pki, struct berth_bytes der,
			 struct berth_ocsp_request *ret, struct berth_why *why)
{
	(void)pki;
	if (der.n > BERTH_OCSP_REQUEST_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "ocsp-request-size", NULL,
				  "The OCSP request has %zu bytes; %d are read.", der.n,
				  BERTH_OCSP_REQUEST_MAX_BYTES);
	enum berth_err err = berth_der_check(der, "ocsp-request-der", why);
	if (err)
		return err;
	const unsigned char *p = der.p;
	BERTH_OSSL(OCSP_REQUEST) *request = d2i_OCSP_REQUEST(NULL, &p, (long)der.n);
	int n = request == NULL ? 0 : OCSP_request_onereq_count(request);
	if (n < 1)
		return bad_request(why, "form");
	if (n > BERTH_OCSP_IDS_MAX)
		return berth_fail(why, BERTH_E_LIMIT, "ocsp-request-ids", NULL,
				  "The OCSP request asks for %d certificates; %d are answered.", n,
				  BERTH_OCSP_IDS_MAX);
	struct berth_ocsp_request read = {.id_count = (size_t)n};
	err = refuse_critical(request, why);
	if (!err)
		err = read_nonce(request, &read, why);
	for (int i = 0; !err && i < n; i++)
		err = read_id(OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, i)),
			      &read.ids[i], why);
	if (!err)
		*ret = read;
	return err;
}

bool
berth_ocsp_id_matches(struct berth_pki *pki, const struct berth_ocsp_id *id,
		      const struct berth_cert *issuer)
{
	const EVP_MD *digest = id->hash == BERTH_OCSP_SHA1 ? pki->sha1 : pki->sha256;
	struct berth_bytes name = berth_cert_subject_der(issuer);
	const ASN1_BIT_STRING *key = X509_get0_pubkey_bitstr(berth_cert_x509_keyless(issuer));
	uint8_t name_hash[EVP_MAX_MD_SIZE], key_hash[EVP_MAX_MD_SIZE];

	if (id->hash == BERTH_OCSP_HASH_OTHER ||
	    EVP_Digest(name.p, name.n, name_hash, NULL, digest, NULL) != 1 ||
	    EVP_Digest(ASN1_STRING_get0_data(key), (size_t)ASN1_STRING_length(key), key_hash, NULL,
		       digest, NULL) != 1)
		return false;
	return memcmp(name_hash, id->name_hash, id->hash_n) == 0 &&
	       memcmp(key_hash, id->key_hash, id->hash_n) == 0;
}

static OCSP_CERTID *
id_for(struct berth_pki *pki, const struct berth_cert *cert, const struct berth_cert *issuer)
{
	X509 *above = berth_cert_x509(issuer);

	return OCSP_cert_id_new(pki->sha1, X509_get_subject_name(above),
				X509_get0_pubkey_bitstr(above),
				X509_get0_serialNumber(berth_cert_x509_keyless(cert)));
}

enum berth_err
berth_ocsp_ask(struct berth_pki *pki, const struct berth_cert *cert,
	       const struct berth_cert *issuer, struct berth_bytes nonce, struct berth_buf *der,
	       struct berth_why *why)
{
	BERTH_OSSL(OCSP_REQUEST) *request = OCSP_REQUEST_new();
	OCSP_CERTID *id = id_for(pki, cert, issuer);
	uint8_t bytes[BERTH_OCSP_NONCE_MAX];

	if (request == NULL || id == NULL || OCSP_request_add0_id(request, id) == NULL) {
		OCSP_CERTID_free(id);
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "ocsp-ask", NULL,
				       "The OCSP request cannot be built");
	}
	memcpy(bytes, nonce.p == NULL ? bytes : nonce.p,
	       nonce.n < sizeof(bytes) ? nonce.n : sizeof(bytes));
	if (nonce.n > 0 && OCSP_request_add1_nonce(request, bytes, (int)nonce.n) != 1)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "ocsp-ask", NULL,
				       "The OCSP request cannot be built");
	unsigned char *made = NULL;
	int n = i2d_OCSP_REQUEST(request, &made);
	enum berth_err err = n <= 0 ? BERTH_E_CRYPTO : berth_buf_append(der, made, (size_t)n);
	OPENSSL_free(made);
	return err ? berth_fail(why, err, "ocsp-ask", NULL, "The OCSP request cannot be written.")
		   : BERTH_OK;
}

/* ---- responses ---- */

static enum berth_err
bad_response(struct berth_why *why, const char *what)
{
	ERR_clear_error();
	return berth_fail(why, BERTH_E_SYNTAX, "ocsp-response", "RFC 6960 4.2.1",
			  "The OCSP response's %s cannot be read.", what);
}

void
berth_ocsp_response_free(struct berth_ocsp_response *response)
{
	if (response == NULL)
		return;
	OCSP_BASICRESP_free(response->basic);
	free(response->der);
	free(response);
}

void
berth_ocsp_response_freep(struct berth_ocsp_response **response)
{
	berth_ocsp_response_free(*response);
}

/* ResponseBytes of a successful response: what of it is BasicOCSPResponse. */
static bool
find_basic(struct berth_bytes der, struct berth_bytes *ret)
{
	struct berth_bytes body, status, outer, bytes, type;

	return berth_der_take(&der, BERTH_DER_SEQUENCE, &body) &&
	       berth_der_take(&body, 0x0a, &status) && berth_der_take(&body, 0xa0, &outer) &&
	       berth_der_take(&outer, BERTH_DER_SEQUENCE, &bytes) &&
	       berth_der_take(&bytes, BERTH_DER_OID, &type) &&
	       berth_bytes_equal(type, BERTH_LIT("\x2b\x06\x01\x05\x05\x07\x30\x01\x01")) &&
	       berth_der_take(&bytes, BERTH_DER_OCTET_STRING, ret);
}

static const char *
digest_of(const OCSP_BASICRESP *basic)
{
	const X509_ALGOR *algorithm = OCSP_resp_get0_tbs_sigalg(basic);
	const ASN1_OBJECT *object = NULL;
	int digest = NID_undef;

	X509_ALGOR_get0(&object, NULL, NULL, algorithm);
	if (OBJ_find_sigid_algs(OBJ_obj2nid(object), &digest, NULL) != 1)
		return NULL;
	if (digest == NID_sha256)
		return "SHA256";
	if (digest == NID_sha384)
		return "SHA384";
	return digest == NID_sha512 ? "SHA512" : NULL;
}

/* What is signed is taken as it came, not as a library would write it again. */
static bool
find_signed(struct berth_ocsp_response *response, size_t n)
{
	struct berth_bytes der = berth_bytes_of(response->der, n), body, algorithm;
	struct berth_der data;

	if (!berth_der_take(&der, BERTH_DER_SEQUENCE, &body) || !berth_der_next(&body, &data) ||
	    !berth_der_take(&body, BERTH_DER_SEQUENCE, &algorithm) ||
	    !berth_der_take(&body, BERTH_DER_BIT_STRING, &response->signature) ||
	    response->signature.n < 2 || response->signature.p[0] != 0)
		return false;
	response->signed_part = data.whole;
	response->signature = berth_bytes_of(response->signature.p + 1, response->signature.n - 1);
	return true;
}

static enum berth_err
read_basic(struct berth_bytes basic, struct berth_ocsp_response *response, struct berth_why *why)
{
	enum berth_err err = berth_der_check(basic, "ocsp-response-der", why);
	if (err)
		return err;
	response->der = malloc(basic.n);
	if (response->der == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "pki", NULL, "No memory.");
	memcpy(response->der, basic.p, basic.n);
	const unsigned char *p = basic.p;
	response->basic = d2i_OCSP_BASICRESP(NULL, &p, (long)basic.n);
	if (response->basic == NULL || !find_signed(response, basic.n))
		return bad_response(why, "form");
	response->digest = digest_of(response->basic);
	if (response->digest == NULL)
		return berth_fail(why, BERTH_E_UNSUPPORTED, "ocsp-algorithm", "NIST SP 800-131A",
				  "The OCSP response is signed by an algorithm that is not "
				  "accepted here.");
	/* req: rfc6960-4.2.2-critical */
	bool is_critical = OCSP_BASICRESP_get_ext_by_critical(response->basic, 1, -1) >= 0;
	for (int i = 0; i < OCSP_resp_count(response->basic); i++)
		is_critical |= OCSP_SINGLERESP_get_ext_by_critical(
				       OCSP_resp_get0(response->basic, i), 1, -1) >= 0;
	return is_critical ? berth_fail(why, BERTH_E_UNSUPPORTED, "rfc6960-4.2.2-critical",
					"RFC 6960 4.2.2",
					"The OCSP response has a critical extension that is not "
					"known here.")
			   : BERTH_OK;
}

enum berth_err
berth_ocsp_response_parse(struct berth_pki *pki, struct berth_bytes der,
			  struct berth_ocsp_response **ret, struct berth_why *why)
{
	(void)pki;
	if (der.n > BERTH_OCSP_RESPONSE_MAX_BYTES)
		return berth_fail(why, BERTH_E_LIMIT, "ocsp-response-size", NULL,
				  "The OCSP response has %zu bytes; %d are read.", der.n,
				  BERTH_OCSP_RESPONSE_MAX_BYTES);
	enum berth_err err = berth_der_check(der, "ocsp-response-der", why);
	if (err)
		return err;
	const unsigned char *p = der.p;
	BERTH_OSSL(OCSP_RESPONSE) *outer = d2i_OCSP_RESPONSE(NULL, &p, (long)der.n);
	if (outer == NULL)
		return bad_response(why, "form");
	int status = OCSP_response_status(outer);
	if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return berth_fail(why, BERTH_E_UNREACHABLE, "ocsp-error", "RFC 6960 4.2.1",
				  "The OCSP responder gives no answer: %.40s.",
				  OCSP_response_status_str(status));
	BERTH_OCSP_RESPONSE *response = calloc(1, sizeof(*response));
	struct berth_bytes basic;
	if (response == NULL)
		return berth_fail(why, BERTH_E_MEMORY, "pki", NULL, "No memory.");
	if (!find_basic(der, &basic))
		return bad_response(why, "type");
	err = read_basic(basic, response, why);
	if (err)
		return err;
	*ret = response;
	response = NULL;
	return BERTH_OK;
}

/* ---- trust ---- */

static enum berth_err
take_signer(struct berth_pki *pki, const struct berth_ocsp_response *response,
	    const struct berth_cert *issuer, struct berth_cert **ret, struct berth_why *why)
{
	STACK_OF(X509) *extra = sk_X509_new_null();
	X509 *signer = NULL;
	unsigned char *der = NULL;

	if (extra == NULL || sk_X509_push(extra, berth_cert_x509(issuer)) <= 0 ||
	    OCSP_resp_get0_signer(response->basic, &signer, extra) != 1) {
		sk_X509_free(extra);
		ERR_clear_error();
		return berth_fail(why, BERTH_E_UNTRUSTED, "rfc6960-4.2.2.2-responder",
				  "RFC 6960 4.2.2.2",
				  "The OCSP response does not carry its signer's certificate.");
	}
	sk_X509_free(extra);
	int n = i2d_X509(signer, &der);
	enum berth_err err =
		n <= 0 ? berth_ossl_fail(why, BERTH_E_CRYPTO, "ocsp", NULL, "No memory")
		       : berth_cert_parse(pki, berth_bytes_of(der, (size_t)n), ret, why);
	OPENSSL_free(der);
	return err;
}

/* req: rfc6960-4.2.2.2-authorized */
static enum berth_err
check_signer(struct berth_pki *pki, const struct berth_cert *signer,
	     const struct berth_cert *issuer, struct berth_wall at, struct berth_why *why)
{
	if (berth_bytes_equal(berth_cert_der(signer), berth_cert_der(issuer)))
		return BERTH_OK;
	BERTH_CERT_LIST anchors = {0};
	BERTH_CERT_LIST path = {0};
	struct berth_why cause = {0};
	union {
		const struct berth_cert *in;
		struct berth_cert *out;
	} anchor = {.in = issuer}; /* its reference count is not part of what it says */
	enum berth_err err = berth_cert_list_add(&anchors, anchor.out, &cause);
	const struct berth_path_check check = {
		.leaf = signer,
		.anchors = &anchors,
		.at = at,
		.require_eku = BERTH_EKU_OCSP_SIGN,
		.require_eku_present = true,
	};
	err = err ? err : berth_path_verify(pki, &check, &path, &cause);
	bool has_eku = false;
	/* anyExtendedKeyUsage is no delegation. */
	if (!err && path.n == 2 && (berth_cert_eku(signer, &has_eku) & BERTH_EKU_OCSP_SIGN) != 0)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_UNTRUSTED, "rfc6960-4.2.2.2-authorized", "RFC 6960 4.2.2.2",
			  "The signer of the OCSP response is neither the issuer nor its delegate: "
			  "%.120s",
			  err ? cause.sentence : "its certificate is not for OCSP signing.");
}

/* req: rfc6960-3.2-signature */
static enum berth_err
check_signature(const struct berth_ocsp_response *response, const struct berth_cert *signer,
		struct berth_why *why)
{
	if (berth_key_verify_with(berth_cert_key(signer), response->digest, response->signed_part,
				  response->signature, NULL) == BERTH_OK)
		return BERTH_OK;
	return berth_fail(why, BERTH_E_SIGNATURE, "rfc6960-3.2-signature", "RFC 6960 3.2",
			  "The OCSP response's signature does not hold.");
}

static enum berth_err
check_nonce(const struct berth_ocsp_response *response, struct berth_bytes nonce,
	    struct berth_why *why)
{
	int at = OCSP_BASICRESP_get_ext_by_NID(response->basic, NID_id_pkix_OCSP_Nonce, -1);
	struct berth_bytes have = BERTH_BYTES_NONE;

	if (nonce.n == 0)
		return BERTH_OK;
	if (at >= 0) {
		const ASN1_OCTET_STRING *value =
			X509_EXTENSION_get_data(OCSP_BASICRESP_get_ext(response->basic, at));
		struct berth_bytes der = berth_bytes_of(ASN1_STRING_get0_data(value),
							(size_t)ASN1_STRING_length(value));
		if (!berth_der_take(&der, BERTH_DER_OCTET_STRING, &have))
			return bad_response(why, "nonce");
	}
	/* One without a nonce was made before we asked (RFC 5019 4): its times judge it. */
	if (at < 0 || berth_bytes_equal(have, nonce))
		return BERTH_OK;
	return berth_fail(why, BERTH_E_MISMATCH, "rfc6960-4.4.1-nonce", "RFC 6960 4.4.1",
			  "The OCSP response answers another request: its nonce is not ours.");
}

static enum berth_err
check_times(struct berth_ocsp_answer *answer, struct berth_wall at, struct berth_why *why)
{
	char text[BERTH_TIME_TEXT_MAX];
	int64_t until = answer->next_update.s != 0 ? answer->next_update.s
						   : answer->this_update.s + NO_NEXT_UPDATE_S;

	if (answer->this_update.s > at.s + CLOCK_SKEW_S)
		return berth_fail(why, BERTH_E_EXPIRED, "rfc6960-3.2-not-yet", "RFC 6960 3.2",
				  "The OCSP response begins at %s, which is not yet; look at the "
				  "clocks.",
				  berth_wall_format(answer->this_update, text));
	/* req: rfc6960-3.2-stale */
	if (until < at.s)
		return berth_fail(why, BERTH_E_EXPIRED, "rfc6960-3.2-stale", "RFC 6960 3.2",
				  "The OCSP response of %s is stale; ask again.",
				  berth_wall_format(answer->this_update, text));
	return BERTH_OK;
}

static enum berth_err
read_single(const struct berth_ocsp_response *response, OCSP_CERTID *id,
	    const struct berth_cert *cert, struct berth_wall at, struct berth_ocsp_answer *ret,
	    struct berth_why *why)
{
	int status = 0, reason = 0;
	ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *until = NULL;
	bool has_from = false, has_until = true;

	/* req: rfc6960-3.2-certificate */
	if (OCSP_resp_find_status(response->basic, id, &status, &reason, &revoked, &from, &until) !=
	    1)
		return berth_fail(why, BERTH_E_MISMATCH, "rfc6960-3.2-certificate", "RFC 6960 3.2",
				  "The OCSP response is about another certificate.");
	ret->this_update = berth_asn1_wall(from, &has_from);
	if (until != NULL)
		ret->next_update = berth_asn1_wall(until, &has_until);
	if (!has_from || !has_until)
		return bad_response(why, "times");
	enum berth_err err = check_times(ret, at, why);
	if (err)
		return err;
	if (status == V_OCSP_CERTSTATUS_GOOD)
		return BERTH_OK;
	if (status == V_OCSP_CERTSTATUS_REVOKED)
		return berth_fail(why, BERTH_E_DENIED, "rfc6960-2.2-revoked", "RFC 6960 2.2",
				  "The certificate of \"%.*s\" was revoked.", SUBJECT_SHOWN,
				  berth_cert_subject_text(cert));
	return berth_fail(why, BERTH_E_NOT_FOUND, "rfc6960-2.2-unknown", "RFC 6960 2.2",
			  "The OCSP responder does not know the certificate of \"%.*s\".",
			  SUBJECT_SHOWN, berth_cert_subject_text(cert));
}

enum berth_err
berth_ocsp_verify(struct berth_pki *pki, const struct berth_ocsp_response *response,
		  const struct berth_cert *issuer, struct berth_wall at, struct berth_why *why)
{
	BERTH_CERT *signer = NULL;
	enum berth_err err = take_signer(pki, response, issuer, &signer, why);

	if (!err)
		err = check_signer(pki, signer, issuer, at, why);
	return err ? err : check_signature(response, signer, why);
}

enum berth_err
berth_ocsp_check(struct berth_pki *pki, const struct berth_ocsp_response *response,
		 const struct berth_cert *cert, const struct berth_cert *issuer,
		 struct berth_bytes nonce, struct berth_wall at, struct berth_ocsp_answer *ret,
		 struct berth_why *why)
{
	struct berth_ocsp_answer answer = {.status = BERTH_OCSP_GOOD};
	enum berth_err err = berth_ocsp_verify(pki, response, issuer, at, why);

	if (!err)
		err = check_nonce(response, nonce, why);
	if (err)
		return err;
	BERTH_OSSL(OCSP_CERTID) *id = id_for(pki, cert, issuer);
	if (id == NULL)
		return berth_ossl_fail(why, BERTH_E_CRYPTO, "ocsp", NULL, "No memory");
	err = read_single(response, id, cert, at, &answer, why);
	if (!err && ret != NULL)
		*ret = answer;
	return err;
}
