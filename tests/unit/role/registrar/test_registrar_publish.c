/* SPDX-License-Identifier: BSD-2-Clause */
/* Revocation: what the registrar refuses, what it publishes, and what its signer will not sign. */
#include "home.h"

#include "base/base64.h"
#include "pki/crl.h"
#include "pki/ocsp.h"
#include "protocol/est/client.h"
#include "role/registrar/signer.h"
#include "role/registrar/signing.h"
#include "store/registrar_revocation.h"

#include <stdio.h>

struct home {
	struct berth_judge *judge;
	struct person device; /* with its LDevID */
};

static struct berth_cert *
issuer(const struct home *home)
{
	return home->judge->chain.at[1];
}

static struct home
enrolled(void)
{
	struct home home = {.judge = home_open(POLICY_AUTO)};
	const struct berth_request_fields fields = {.serial_number = BERTH_LIT(FIXTURE_SERIAL)};
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	BERTH_CERT_LIST list = {0};
	home.device.key = fixture_key(home.judge->f, "P-256");
	home_reach_voucher(home.judge);
	home_accept_voucher(home.judge, home.judge->chain.at[1]);
	fixture_csr(home.judge->f, &fields, home.device.key, &csr);
	home_ask_for_certificate(home.judge, &ticket, berth_buf_view(&csr));
	home_sign(home.judge);
	assert_int_equal(ticket.status, 200);
	assert_int_equal(berth_est_certs_parse(home.judge->f->pki, BERTH_LIT(BERTH_EST_MEDIA_CERTS),
					       berth_buf_view(&ticket.body), &list, NULL),
			 BERTH_OK);
	home.device.cert = berth_cert_ref(list.at[0]);
	berth_buf_free(&ticket.body);
	return home;
}

static void
leave(struct home *home)
{
	berth_key_free(home->device.key);
	berth_cert_free(home->device.cert);
	home_close(home->judge);
}

/* Without TLS; until the signer has answered. */
static void
ask(struct home *home, struct berth_ticket *ticket, enum berth_http_method method, const char *path,
    struct berth_bytes body)
{
	const struct berth_http_request http = {
		.method = method,
		.path = berth_text(path),
		.media_type = BERTH_LIT("application/ocsp-request"),
		.body = body,
	};
	*ticket = (struct berth_ticket){0};
	home_begin(home->judge);
	berth_registrar_judge_role.published(home->judge->role, ticket, &http,
					     BERTH_LIT("192.0.2.1"));
	home_commit(home->judge);
	if (!ticket->is_replied)
		home_sign(home->judge);
	assert_true(ticket->is_replied);
}

static enum berth_err
ocsp(struct home *home, struct berth_bytes nonce, struct berth_why *why)
{
	struct berth_pki *pki = home->judge->f->pki;
	BERTH_BUF request = {0};
	BERTH_OCSP_RESPONSE *response = NULL;
	struct berth_ticket ticket;
	assert_int_equal(berth_ocsp_ask(pki, home->device.cert, issuer(home), nonce, &request, why),
			 BERTH_OK);
	ask(home, &ticket, BERTH_HTTP_POST, "/ocsp", berth_buf_view(&request));
	enum berth_err err =
		berth_ocsp_response_parse(pki, berth_buf_view(&ticket.body), &response, why);
	if (!err)
		err = berth_ocsp_check(pki, response, home->device.cert, issuer(home), nonce,
				       home->judge->f->now.wall, NULL, why);
	berth_buf_free(&ticket.body);
	return err;
}

static struct berth_crl *
crl(struct home *home)
{
	struct berth_ticket ticket;
	struct berth_why why = {0};
	struct berth_crl *read = NULL;
	char path[256];
	struct berth_bytes url = berth_cert_crl_url(home->device.cert);
	size_t host = sizeof("http://registrar.example:8080") - 1;
	assert_true(url.n > host);
	(void)snprintf(path, sizeof(path), "%.*s", (int)(url.n - host), (const char *)url.p + host);
	ask(home, &ticket, BERTH_HTTP_GET, path, BERTH_BYTES_NONE);
	assert_int_equal(ticket.status, 200);
	fixture_must(
		berth_crl_parse(home->judge->f->pki, berth_buf_view(&ticket.body), &read, &why),
		&why, "crl");
	fixture_must(berth_crl_verify(home->judge->f->pki, read, issuer(home),
				      home->judge->f->now.wall, &why),
		     &why, "crl");
	berth_buf_free(&ticket.body);
	return read;
}

static int
enrolstatus(struct home *home)
{
	struct berth_ticket ticket;
	home_request(home->judge, &ticket, &home->device, BERTH_BRSKI_ENROLLSTATUS_PATH,
		     BERTH_MEDIA_JSON, BERTH_LIT("{\"version\":1,\"status\":true}"));
	berth_buf_free(&ticket.body);
	return ticket.status;
}

static void
revoke(struct home *home)
{
	struct berth_ticket ticket;
	home->judge->op = 0;
	home_ask_operator(home->judge, &ticket, "revoke");
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
}

/* req: rfc5280-6.3-revoked */
static void
a_revoked_certificate_opens_nothing_from_the_next_request_on(void **state)
{
	(void)state;
	struct home home = enrolled();
	assert_int_equal(enrolstatus(&home), 200);
	revoke(&home);
	assert_int_equal(enrolstatus(&home), 403);
	leave(&home);
}

/* req: rfc6960-2.2-status */
/* It may renew often before it is noticed: all go, the oldest too. */
static void
all_certificates_of_a_device_are_revoked_however_many_they_are(void **state)
{
	struct home home = enrolled();
	struct berth_why why = {0};
	struct berth_registrar_role *role = home.judge->role;
	struct berth_registrar_certificate found = {
		.device = 1,
		.credential = {.issuer_key_id = berth_cert_ski(issuer(&home)),
			       .subject = BERTH_LIT(FIXTURE_SERIAL),
			       .not_after = berth_cert_not_after(home.device.cert)},
		.der = BERTH_LIT("a certificate"),
	};
	(void)state;
	home_begin(home.judge);
	for (uint32_t i = 0; i < 600; i++) {
		uint8_t serial[16] = {0x40, (uint8_t)(i >> 8), (uint8_t)i};
		found.credential.serial = berth_bytes_of(serial, sizeof(serial));
		fixture_must(berth_registrar_certificate_found(role->store, &found, &why), &why,
			     "found");
	}
	home_commit(home.judge);
	revoke(&home);
	assert_int_equal(ocsp(&home, BERTH_BYTES_NONE, &why), BERTH_E_DENIED);
	assert_string_equal(why.rule, "rfc6960-2.2-revoked");
	leave(&home);
}

static void
ocsp_and_list_say_revoked_at_once_although_they_were_kept(void **state)
{
	(void)state;
	struct home home = enrolled();
	struct berth_why why = {0};
	BERTH_CRL *before = crl(&home);
	assert_int_equal(berth_crl_check(before, home.device.cert, &why), BERTH_OK);
	assert_int_equal(ocsp(&home, BERTH_BYTES_NONE, &why), BERTH_OK);
	revoke(&home);
	assert_int_equal(home.judge->op, BERTH_REGISTRAR_SIGN_CRL); /* nobody had to ask */
	home_sign(home.judge);
	assert_int_equal(ocsp(&home, BERTH_BYTES_NONE, &why), BERTH_E_DENIED);
	assert_string_equal(why.rule, "rfc6960-2.2-revoked");
	BERTH_CRL *after = crl(&home);
	assert_int_equal(berth_crl_check(after, home.device.cert, &why), BERTH_E_DENIED);
	assert_true(berth_crl_number(after) > berth_crl_number(before));
	leave(&home);
}

static void
an_answer_is_signed_once_and_one_with_a_nonce_each_time(void **state)
{
	(void)state;
	struct home home = enrolled();
	struct berth_why why = {0};
	for (int i = 0; i < 10; i++) /* the signer would refuse the fourth */
		assert_int_equal(ocsp(&home, BERTH_BYTES_NONE, &why), BERTH_OK);
	home.judge->op = 0;
	assert_int_equal(ocsp(&home, BERTH_LIT("one nonce, one answer"), &why), BERTH_OK);
	assert_int_equal(home.judge->op, BERTH_REGISTRAR_SIGN_OCSP);
	assert_int_equal(ocsp(&home, BERTH_LIT("another"), &why), BERTH_OK);
	/* Beyond the signer's limit the kept one is given, which has no nonce. */
	assert_int_equal(ocsp(&home, BERTH_LIT("a third"), &why), BERTH_OK);
	home.judge->f->now.wall.s += 3601;
	assert_int_equal(ocsp(&home, BERTH_LIT("a fourth"), &why), BERTH_E_UNREACHABLE);
	leave(&home);
}

static void
nothing_else_is_published(void **state)
{
	(void)state;
	struct home home = enrolled();
	static const char *const paths[] = {
		"/",
		"/ocsp",
		"/crl/",
		"/crl/00.crl",
		"/crl/00/1.crl",
		"/ca/00.cer",
		"/v1/devices",
		BERTH_EST_CACERTS_PATH,
		BERTH_BRSKI_REQUESTVOUCHER_PATH,
	};
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct berth_ticket ticket;
		ask(&home, &ticket, BERTH_HTTP_GET, paths[i], BERTH_BYTES_NONE);
		assert_int_equal(ticket.status, 404);
		berth_buf_free(&ticket.body);
	}
	leave(&home);
}

static enum berth_err
sign_crl(struct berth_judge *judge, const struct berth_sign_crl *wanted, uint64_t *number,
	 struct berth_why *why)
{
	BERTH_BUF payload = {0};
	BERTH_BUF object = {0};
	BERTH_CRL *made = NULL;
	assert_int_equal(berth_sign_crl_encode(wanted, &payload), BERTH_OK);
	enum berth_err err = berth_registrar_signer_role.sign(
		judge->signer, BERTH_REGISTRAR_SIGN_CRL, berth_buf_view(&payload), judge->f->now,
		&object, why);
	if (err)
		return err;
	assert_int_equal(berth_crl_parse(judge->f->pki, berth_buf_view(&object), &made, why),
			 BERTH_OK);
	*number = berth_crl_number(made);
	return BERTH_OK;
}

/* req: rfc5280-5.2.3-monotonic */
static void
the_number_of_a_list_never_goes_back(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	static struct berth_sign_crl wanted;
	struct berth_why why = {0};
	uint64_t last = 0, number = 0;
	wanted.issuer = berth_cert_ski(judge->chain.at[1]);
	wanted.partition = BERTH_PARTITION_ALL;
	/* also when the clock is set back, and over a restart */
	for (int i = 0; i < 4; i++) {
		assert_int_equal(sign_crl(judge, &wanted, &number, &why), BERTH_OK);
		assert_true(number > last);
		last = number;
		judge->f->now.wall.s -= i == 0 ? 100 : 0;
		if (i == 1) {
			berth_registrar_signer_role.end(judge->signer);
			assert_int_equal(berth_registrar_signer_role.start(judge->f->pki,
									   &judge->settings,
									   &judge->signer, &why),
					 BERTH_OK);
		}
	}
	home_close(judge);
}

static void
the_signer_speaks_for_its_own_issuer_alone(void **state)
{
	(void)state;
	struct berth_judge *judge = home_open(POLICY_AUTO);
	static struct berth_sign_crl wanted;
	struct berth_why why = {0};
	uint64_t number = 0;
	wanted.issuer = berth_cert_ski(judge->chain.at[2]);
	wanted.partition = BERTH_PARTITION_ALL;
	assert_int_equal(sign_crl(judge, &wanted, &number, &why), BERTH_E_DENIED);
	assert_string_equal(why.rule, "signer-issuer");
	const struct berth_sign_ocsp other = {
		.issuer = berth_cert_ski(judge->chain.at[2]),
		.single_count = 1,
		.singles = {{.serial = BERTH_LIT("\x01"), .status = BERTH_OCSP_GOOD}},
	};
	BERTH_BUF payload = {0};
	BERTH_BUF object = {0};
	assert_int_equal(berth_sign_ocsp_encode(&other, &payload), BERTH_OK);
	assert_int_equal(berth_registrar_signer_role.sign(judge->signer, BERTH_REGISTRAR_SIGN_OCSP,
							  berth_buf_view(&payload), judge->f->now,
							  &object, &why),
			 BERTH_E_DENIED);
	assert_int_equal(object.n, 0);
	home_close(judge);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_revoked_certificate_opens_nothing_from_the_next_request_on),
		cmocka_unit_test(all_certificates_of_a_device_are_revoked_however_many_they_are),
		cmocka_unit_test(ocsp_and_list_say_revoked_at_once_although_they_were_kept),
		cmocka_unit_test(an_answer_is_signed_once_and_one_with_a_nonce_each_time),
		cmocka_unit_test(nothing_else_is_published),
		cmocka_unit_test(the_number_of_a_list_never_goes_back),
		cmocka_unit_test(the_signer_speaks_for_its_own_issuer_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
