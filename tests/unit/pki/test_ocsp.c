/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <openssl/ocsp.h>

#include "pki/ocsp.h"
#include "unit/pki/authority.h"

static struct authority authority;
static struct berth_key *responder_key;
static struct berth_cert *responder, *device, *other;

static struct berth_cert *
issue(enum berth_cert_profile profile, struct berth_key *key)
{
	struct berth_cert_template wanted = authority_template(&authority, profile, "x", key);

	return authority_issue(&authority, &wanted);
}

static int
setup(void **state)
{
	authority_start(&authority);
	responder_key = authority_key(&authority, "P-256");
	responder = issue(BERTH_PROFILE_OCSP_SIGNER, responder_key);
	device = issue(BERTH_PROFILE_LDEVID, responder_key);
	other = issue(BERTH_PROFILE_LDEVID, responder_key);
	*state = &authority;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	berth_cert_free(responder);
	berth_cert_free(device);
	berth_cert_free(other);
	berth_key_free(responder_key);
	authority_end(&authority);
	return 0;
}

static struct berth_ocsp_single
single(enum berth_ocsp_status status)
{
	return (struct berth_ocsp_single){
		.hash = BERTH_OCSP_SHA1,
		.serial = berth_cert_serial(device),
		.status = status,
		.revoked_at = {NOW.s - 30},
		.reason = status == BERTH_OCSP_REVOKED ? 9 : 0,
	};
}

static struct berth_ocsp_fields
fields(const struct berth_ocsp_single *one)
{
	return (struct berth_ocsp_fields){
		.singles = one,
		.single_count = 1,
		.this_update = {NOW.s - 60},
		.next_update = {NOW.s + 3600},
		.produced_at = NOW,
	};
}

static void
respond(const struct berth_ocsp_fields *wanted, const struct berth_cert *by, struct berth_key *key,
	struct berth_buf *der)
{
	struct berth_why why = {0};

	if (berth_ocsp_respond(authority.pki, wanted, authority.ca, by, key, der, &why))
		fail_msg("%s: %s", why.rule, why.sentence);
}

static enum berth_err
check(const struct berth_buf *der, struct berth_bytes nonce, struct berth_wall at,
      struct berth_why *why)
{
	BERTH_OCSP_RESPONSE *response = NULL;
	enum berth_err err =
		berth_ocsp_response_parse(authority.pki, berth_buf_view(der), &response, why);

	return err ? err
		   : berth_ocsp_check(authority.pki, response, device, authority.ca, nonce, at,
				      NULL, why);
}

static void
assert_refused(enum berth_err err, enum berth_err want, const struct berth_why *why,
	       const char *rule)
{
	assert_int_equal(err, want);
	assert_string_equal(why->rule, rule);
}

/* req: rfc6960-4.2.2.2-delegated */
static void
a_delegate_and_the_issuer_itself_may_answer(void **state)
{
	struct berth_ocsp_single one = single(BERTH_OCSP_GOOD);
	struct berth_ocsp_fields wanted = fields(&one);
	BERTH_BUF by_delegate = {0}, by_issuer = {0};
	struct berth_why why = {0};

	(void)state;
	respond(&wanted, responder, responder_key, &by_delegate);
	respond(&wanted, authority.ca, authority.ca_key, &by_issuer);
	assert_int_equal(check(&by_delegate, BERTH_BYTES_NONE, NOW, &why), BERTH_OK);
	assert_int_equal(check(&by_issuer, BERTH_BYTES_NONE, NOW, &why), BERTH_OK);
	assert_true(by_issuer.n < by_delegate.n);
}

static void
revoked_and_unknown_are_refusals(void **state)
{
	struct berth_ocsp_single one = single(BERTH_OCSP_REVOKED);
	struct berth_ocsp_fields wanted = fields(&one);
	BERTH_BUF revoked = {0}, unknown = {0};
	struct berth_why why = {0};

	(void)state;
	respond(&wanted, responder, responder_key, &revoked);
	assert_refused(check(&revoked, BERTH_BYTES_NONE, NOW, &why), BERTH_E_DENIED, &why,
		       "rfc6960-2.2-revoked");
	one.status = BERTH_OCSP_UNKNOWN;
	respond(&wanted, responder, responder_key, &unknown);
	assert_refused(check(&unknown, BERTH_BYTES_NONE, NOW, &why), BERTH_E_NOT_FOUND, &why,
		       "rfc6960-2.2-unknown");
}

/* What berth_ocsp_respond itself would refuse is made with OpenSSL by the interoperability test; here by another CA. */
/* req: rfc6960-4.2.2.2-authorized */
static void
refuses_a_responder_that_the_issuer_did_not_appoint(void **state)
{
	BERTH_CERT *not_for_it = issue(BERTH_PROFILE_LDEVID, responder_key);
	struct berth_cert_template wanted_cert = authority_template(
		&authority, BERTH_PROFILE_OCSP_SIGNER, "of the root", responder_key);
	BERTH_CERT *of_root =
		authority_issue_by(&authority, &wanted_cert, authority.root, authority.root_key);
	struct berth_ocsp_single one = single(BERTH_OCSP_GOOD);
	struct berth_ocsp_fields wanted = fields(&one);
	const struct berth_cert *signers[] = {not_for_it, of_root};
	BERTH_BUF der = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct berth_why why = {0};
		assert_refused(berth_ocsp_respond(authority.pki, &wanted, authority.ca, signers[i],
						  responder_key, &der, &why),
			       BERTH_E_UNTRUSTED, &why, "rfc6960-4.2.2.2-authorized");
		assert_int_equal(der.n, 0);
	}
}

/* req: rfc6960-3.2-signature */
static void
no_change_of_one_byte_passes(void **state)
{
	struct berth_ocsp_single one = single(BERTH_OCSP_GOOD);
	struct berth_ocsp_fields wanted = fields(&one);
	BERTH_BUF der = {0};
	size_t signatures = 0;

	(void)state;
	wanted.nonce = BERTH_LIT("0123456789abcdef");
	respond(&wanted, responder, responder_key, &der);
	for (size_t i = 0; i < der.n; i++) {
		struct berth_why why = {0};
		der.p[i] ^= 1;
		assert_int_not_equal(check(&der, wanted.nonce, NOW, &why), BERTH_OK);
		signatures += strcmp(why.rule, "rfc6960-3.2-signature") == 0;
		der.p[i] ^= 1;
	}
	assert_true(signatures > 20);
}

/* req: rfc6960-3.2-certificate */
static void
refuses_an_answer_about_another_certificate(void **state)
{
	struct berth_ocsp_single one = single(BERTH_OCSP_GOOD);
	struct berth_ocsp_fields wanted = fields(&one);
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	one.serial = berth_cert_serial(other);
	respond(&wanted, responder, responder_key, &der);
	assert_refused(check(&der, BERTH_BYTES_NONE, NOW, &why), BERTH_E_MISMATCH, &why,
		       "rfc6960-3.2-certificate");
}

/* req: rfc6960-4.4.1-nonce */
static void
a_nonce_must_be_ours_where_there_is_one(void **state)
{
	struct berth_ocsp_single one = single(BERTH_OCSP_GOOD);
	struct berth_ocsp_fields wanted = fields(&one);
	BERTH_BUF with = {0}, without = {0};
	struct berth_why why = {0};

	(void)state;
	respond(&wanted, responder, responder_key, &without);
	wanted.nonce = BERTH_LIT("0123456789abcdef");
	respond(&wanted, responder, responder_key, &with);
	assert_int_equal(check(&with, wanted.nonce, NOW, &why), BERTH_OK);
	assert_int_equal(check(&without, wanted.nonce, NOW, &why), BERTH_OK);
	assert_refused(check(&with, BERTH_LIT("0123456789abcdeF"), NOW, &why), BERTH_E_MISMATCH,
		       &why, "rfc6960-4.4.1-nonce");
}

/* req: rfc6960-3.2-stale */
static void
refuses_a_stale_answer_and_one_from_the_future(void **state)
{
	struct berth_ocsp_single one = single(BERTH_OCSP_GOOD);
	struct berth_ocsp_fields wanted = fields(&one);
	BERTH_BUF der = {0};
	struct berth_why why = {0};

	(void)state;
	respond(&wanted, responder, responder_key, &der);
	assert_refused(check(&der, BERTH_BYTES_NONE, (struct berth_wall){NOW.s + 3601}, &why),
		       BERTH_E_EXPIRED, &why, "rfc6960-3.2-stale");
	assert_refused(check(&der, BERTH_BYTES_NONE, (struct berth_wall){NOW.s - 3600}, &why),
		       BERTH_E_EXPIRED, &why, "rfc6960-3.2-not-yet");
}

static void
an_error_answer_is_no_answer(void **state)
{
	struct berth_bytes error = berth_ocsp_refuse(BERTH_OCSP_TRY_LATER);
	BERTH_OCSP_RESPONSE *response = NULL;
	struct berth_why why = {0};

	(void)state;
	assert_refused(berth_ocsp_response_parse(authority.pki, error, &response, &why),
		       BERTH_E_UNREACHABLE, &why, "ocsp-error");
	assert_null(response);
}

static void
what_is_asked_is_what_is_read(void **state)
{
	BERTH_BUF der = {0};
	struct berth_ocsp_request request;
	struct berth_why why = {0};

	(void)state;
	assert_int_equal(berth_ocsp_ask(authority.pki, device, authority.ca,
					BERTH_LIT("a nonce of ours"), &der, &why),
			 BERTH_OK);
	assert_int_equal(
		berth_ocsp_request_parse(authority.pki, berth_buf_view(&der), &request, &why),
		BERTH_OK);
	assert_int_equal(request.id_count, 1);
	assert_true(
		berth_bytes_equal(berth_bytes_of(request.ids[0].serial, request.ids[0].serial_n),
				  berth_cert_serial(device)));
	assert_true(berth_bytes_equal(berth_bytes_of(request.nonce, request.nonce_n),
				      BERTH_LIT("a nonce of ours")));
	assert_true(berth_ocsp_id_matches(authority.pki, &request.ids[0], authority.ca));
	assert_false(berth_ocsp_id_matches(authority.pki, &request.ids[0], authority.root));
	der.p[der.n - 1] ^= 1; /* the nonce's last byte: still a request */
	assert_int_equal(
		berth_ocsp_request_parse(authority.pki, berth_buf_view(&der), &request, &why),
		BERTH_OK);
	der.n--;
	assert_int_equal(
		berth_ocsp_request_parse(authority.pki, berth_buf_view(&der), &request, &why),
		BERTH_E_SYNTAX);
}

static X509_EXTENSION *
unknown_critical(void)
{
	ASN1_OBJECT *type = OBJ_txt2obj("1.3.6.1.4.1.32473.99", 1);
	ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	assert_int_equal(ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2), 1);
	X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, type, 1, value);

	ASN1_OBJECT_free(type);
	ASN1_OCTET_STRING_free(value);
	return extension;
}

/* In the whole, or in what is asked about one certificate. */
static void
refuse_request(bool in_whole)
{
	BERTH_BUF der = {0};
	struct berth_ocsp_request request;
	struct berth_why why = {0};
	unsigned char *bytes = NULL;

	assert_int_equal(
		berth_ocsp_ask(authority.pki, device, authority.ca, BERTH_BYTES_NONE, &der, &why),
		BERTH_OK);
	const unsigned char *p = der.p;
	OCSP_REQUEST *asked = d2i_OCSP_REQUEST(NULL, &p, (long)der.n);
	X509_EXTENSION *extension = unknown_critical();
	assert_int_equal(
		in_whole ? OCSP_REQUEST_add_ext(asked, extension, -1)
			 : OCSP_ONEREQ_add_ext(OCSP_request_onereq_get0(asked, 0), extension, -1),
		1);
	int n = i2d_OCSP_REQUEST(asked, &bytes);
	assert_refused(berth_ocsp_request_parse(authority.pki, berth_bytes_of(bytes, (size_t)n),
						&request, &why),
		       BERTH_E_UNSUPPORTED, &why, "rfc6960-4.1.2-critical");
	OPENSSL_free(bytes);
	X509_EXTENSION_free(extension);
	OCSP_REQUEST_free(asked);
}

/* req: rfc6960-4.1.2-critical */
static void
refuses_a_request_with_an_unknown_critical_extension(void **state)
{
	(void)state;
	refuse_request(true);
	refuse_request(false);
}

static void
refuse_response(bool in_whole)
{
	struct berth_ocsp_single one = single(BERTH_OCSP_GOOD);
	struct berth_ocsp_fields wanted = fields(&one);
	BERTH_BUF der = {0};
	BERTH_OCSP_RESPONSE *read = NULL;
	struct berth_why why = {0};
	unsigned char *bytes = NULL;

	respond(&wanted, responder, responder_key, &der);
	const unsigned char *p = der.p;
	OCSP_RESPONSE *outer = d2i_OCSP_RESPONSE(NULL, &p, (long)der.n);
	OCSP_BASICRESP *basic = OCSP_response_get1_basic(outer);
	X509_EXTENSION *extension = unknown_critical();
	assert_int_equal(in_whole
				 ? OCSP_BASICRESP_add_ext(basic, extension, -1)
				 : OCSP_SINGLERESP_add_ext(OCSP_resp_get0(basic, 0), extension, -1),
			 1);
	OCSP_RESPONSE *changed = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	int n = i2d_OCSP_RESPONSE(changed, &bytes);
	assert_refused(berth_ocsp_response_parse(authority.pki, berth_bytes_of(bytes, (size_t)n),
						 &read, &why),
		       BERTH_E_UNSUPPORTED, &why, "rfc6960-4.2.2-critical");
	OPENSSL_free(bytes);
	X509_EXTENSION_free(extension);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(changed);
	OCSP_RESPONSE_free(outer);
}

/* req: rfc6960-4.2.2-critical */
static void
refuses_a_response_with_an_unknown_critical_extension(void **state)
{
	(void)state;
	refuse_response(true);
	refuse_response(false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delegate_and_the_issuer_itself_may_answer),
		cmocka_unit_test(revoked_and_unknown_are_refusals),
		cmocka_unit_test(refuses_a_responder_that_the_issuer_did_not_appoint),
		cmocka_unit_test(no_change_of_one_byte_passes),
		cmocka_unit_test(refuses_an_answer_about_another_certificate),
		cmocka_unit_test(a_nonce_must_be_ours_where_there_is_one),
		cmocka_unit_test(refuses_a_stale_answer_and_one_from_the_future),
		cmocka_unit_test(an_error_answer_is_no_answer),
		cmocka_unit_test(refuses_a_request_with_an_unknown_critical_extension),
		cmocka_unit_test(refuses_a_response_with_an_unknown_critical_extension),
		cmocka_unit_test(what_is_asked_is_what_is_read),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
