/* SPDX-License-Identifier: BSD-2-Clause */
/* A new key for the issuing CA: what the former one's certificates still open, and what its key no longer does. */
#include "home.h"

#include "base/base64.h"
#include "protocol/est/client.h"
#include "protocol/est/renewal_info.h"
#include "role/registrar/rollover.h"
#include "role/registrar/signer.h"
#include "role/registrar/signing.h"

#include <stdio.h>
#include <unistd.h>

#define REENROLL_PATH "/.well-known/est/simplereenroll"

struct home {
	struct berth_judge *judge;
	struct person device; /* with its LDevID */
	struct berth_cert *former;
	struct berth_rollover_made made;
	struct berth_registrar_former section;
	char uri[BERTH_KEY_URI_MAX];
};

static void
take_certificate(struct home *home, struct berth_ticket *ticket, struct berth_cert **ret)
{
	BERTH_CERT_LIST list = {0};
	assert_int_equal(ticket->status, 200);
	assert_int_equal(berth_est_certs_parse(home->judge->f->pki,
					       BERTH_LIT(BERTH_EST_MEDIA_CERTS),
					       berth_buf_view(&ticket->body), &list, NULL),
			 BERTH_OK);
	*ret = berth_cert_ref(list.at[0]);
	berth_buf_free(&ticket->body);
}

static void
enrol(struct home *home)
{
	const struct berth_request_fields fields = {.serial_number = BERTH_LIT(FIXTURE_SERIAL)};
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home->device.key = fixture_key(home->judge->f, "P-256");
	home_reach_voucher(home->judge);
	home_accept_voucher(home->judge, home->judge->chain.at[1]);
	fixture_csr(home->judge->f, &fields, home->device.key, &csr);
	home_ask_for_certificate(home->judge, &ticket, berth_buf_view(&csr));
	home_sign(home->judge);
	take_certificate(home, &ticket, &home->device.cert);
}

static enum berth_err
try_rollover(struct home *home, const char *root, const char *issuing, struct berth_why *why)
{
	const struct berth_rollover_plan plan = {
		.directory = home->judge->home,
		.settings = &home->judge->settings,
		.root_key = root,
		.issuing_key = issuing,
		.now = home->judge->f->now.wall,
	};
	return berth_rollover(home->judge->f->pki, &plan, &home->made, why);
}

/* The daemon is stopped, and started with what the roll-over says. */
static void
roll_over(struct home *home)
{
	struct berth_judge *judge = home->judge;
	struct berth_why why = {0};
	berth_registrar_judge_role.end(judge->role);
	berth_registrar_signer_role.end(judge->signer);
	home->former = berth_cert_ref(judge->chain.at[1]);
	fixture_must(try_rollover(home, NULL, NULL, &why), &why, "roll-over");
	(void)snprintf(home->uri, sizeof(home->uri), "file:%s/keys/issuing-2.key", judge->home);
	home->section = (struct berth_registrar_former){
		.name = "1", .certificates = home->made.former, .key = judge->settings.issuing_key};
	judge->settings.formers = (struct berth_conf_items){.items = &home->section, .count = 1};
	judge->settings.issuing_certificates = home->made.issuing;
	judge->settings.issuing_key = home->uri;
	judge->settings.daemon.tls_certificates = home->made.registrar;
	berth_cert_list_free(&judge->chain);
	fixture_must(berth_registrar_load_certificates(judge->f->pki, "tls", home->made.registrar,
						       &judge->chain, &why),
		     &why, "chain");
	fixture_must(berth_registrar_judge_role.start(judge, &judge->settings, &judge->role, &why),
		     &why, "judge");
	fixture_must(berth_registrar_signer_role.start(judge->f->pki, &judge->settings,
						       &judge->signer, &why),
		     &why, "signer");
}

static struct home
enrolled(void)
{
	struct home home = {.judge = home_open(POLICY_AUTO)};
	enrol(&home);
	return home;
}

static void
leave(struct home *home)
{
	berth_key_free(home->device.key);
	berth_cert_free(home->device.cert);
	berth_cert_free(home->former);
	home_close(home->judge);
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
ask_renewal(struct home *home, struct berth_ticket *ticket)
{
	const struct berth_request_fields fields = {
		.common_name = berth_cert_subject_common_name(home->device.cert),
		.serial_number = berth_cert_subject_serial_number(home->device.cert),
		.organization = berth_cert_subject_organization(home->device.cert),
	};
	BERTH_BUF csr = {0};
	BERTH_BUF body = {0};
	fixture_csr(home->judge->f, &fields, home->device.key, &csr);
	assert_int_equal(berth_base64_encode(berth_buf_view(&csr), 0, &body), BERTH_OK);
	home_request(home->judge, ticket, &home->device, REENROLL_PATH, BERTH_EST_MEDIA_PKCS10,
		     berth_buf_view(&body));
}

/* req: rfc7030-4.1.3-rollover */
static void
a_certificate_of_the_former_issuer_is_renewed_by_the_new_one(void **state)
{
	(void)state;
	struct home home = enrolled();
	struct berth_ticket ticket;
	BERTH_CERT *renewed = NULL;
	roll_over(&home);
	assert_int_equal(enrolstatus(&home), 200);
	ask_renewal(&home, &ticket);
	assert_false(ticket.is_replied);
	home_sign(home.judge);
	take_certificate(&home, &ticket, &renewed);
	struct berth_bytes issuer = berth_cert_ski(home.judge->chain.at[1]);
	assert_false(berth_bytes_equal(issuer, berth_cert_ski(home.former)));
	assert_true(berth_bytes_equal(berth_cert_aki_key_id(renewed), issuer));
	assert_true(berth_bytes_equal(berth_cert_subject_der(home.judge->chain.at[1]),
				      berth_cert_subject_der(home.former)));
	leave(&home);
}

static void
a_revoked_certificate_of_the_former_issuer_opens_nothing(void **state)
{
	(void)state;
	struct home home = enrolled();
	struct berth_ticket ticket;
	roll_over(&home);
	assert_int_equal(enrolstatus(&home), 200);
	home_ask_operator(home.judge, &ticket, "revoke");
	assert_int_equal(ticket.status, 200);
	berth_buf_free(&ticket.body);
	assert_int_equal(enrolstatus(&home), 403);
	ask_renewal(&home, &ticket);
	assert_true(ticket.is_replied);
	assert_int_equal(ticket.status, 403);
	assert_non_null(memmem(ticket.body.p, ticket.body.n, "credential-revoked",
			       strlen("credential-revoked")));
	berth_buf_free(&ticket.body);
	leave(&home);
}

static void
a_certificate_opens_nothing_when_its_former_issuer_is_not_named(void **state)
{
	(void)state;
	struct home home = enrolled();
	struct berth_why why = {0};
	roll_over(&home);
	berth_registrar_judge_role.end(home.judge->role);
	home.judge->settings.formers.count = 0;
	fixture_must(berth_registrar_judge_role.start(home.judge, &home.judge->settings,
						      &home.judge->role, &why),
		     &why, "judge");
	assert_int_equal(enrolstatus(&home), 404); /* as to any stranger */
	leave(&home);
}

/* A device that came on under the former issuer comes again by BRSKI, with a new key: the MASA's log names that issuer. */
static int
come_again(struct home *home)
{
	struct berth_judge *judge = home->judge;
	struct berth_cert *const domains[] = {home->former, judge->chain.at[1]};
	struct berth_ticket ticket;
	BERTH_BUF csr = {0};
	home_reach_voucher(judge);
	home_accept_voucher_after(judge, domains, 2);
	home_make_csr(judge, &csr);
	home_ask_for_certificate(judge, &ticket, berth_buf_view(&csr));
	if (!ticket.is_replied)
		home_sign(judge);
	berth_buf_free(&ticket.body);
	return ticket.status;
}

/* req: rfc8995-5.8.3-refuse */
static void
an_audit_log_that_names_a_former_issuer_names_us(void **state)
{
	(void)state;
	struct home home = enrolled();
	roll_over(&home);
	assert_int_equal(come_again(&home), 200);
	leave(&home);
}

static void
an_audit_log_that_names_an_issuer_of_no_section_is_refused(void **state)
{
	(void)state;
	struct home home = enrolled();
	struct berth_why why = {0};
	roll_over(&home);
	berth_registrar_judge_role.end(home.judge->role);
	home.judge->settings.formers.count = 0;
	fixture_must(berth_registrar_judge_role.start(home.judge, &home.judge->settings,
						      &home.judge->role, &why),
		     &why, "judge");
	assert_int_equal(come_again(&home), 403);
	leave(&home);
}

static void
the_signer_issues_nothing_in_a_former_issuers_name(void **state)
{
	(void)state;
	struct home home = enrolled();
	struct berth_why why = {0};
	BERTH_BUF csr = {0};
	BERTH_BUF payload = {0};
	BERTH_BUF object = {0};
	roll_over(&home);
	home_make_csr(home.judge, &csr);
	struct berth_issue_ldevid ask = {.serial = {0x41, 1, 2},
					 .manufacturer_key = BERTH_LIT("maker"),
					 .serial_number = BERTH_LIT(FIXTURE_SERIAL),
					 .request = berth_buf_view(&csr),
					 .lifetime_s = 86400,
					 .partition = 1,
					 .issuer = berth_cert_ski(home.former)};
	assert_int_equal(berth_issue_ldevid_encode(&ask, &payload), BERTH_OK);
	assert_int_equal(berth_registrar_signer_role.sign(
				 home.judge->signer, BERTH_REGISTRAR_ISSUE_LDEVID,
				 berth_buf_view(&payload), home.judge->f->now, &object, &why),
			 BERTH_E_DENIED);
	assert_string_equal(why.rule, "signer-issuer");
	assert_int_equal(object.n, 0);
	berth_buf_clear(&payload);
	ask.issuer = berth_cert_ski(home.judge->chain.at[1]);
	assert_int_equal(berth_issue_ldevid_encode(&ask, &payload), BERTH_OK);
	assert_int_equal(berth_registrar_signer_role.sign(
				 home.judge->signer, BERTH_REGISTRAR_ISSUE_LDEVID,
				 berth_buf_view(&payload), home.judge->f->now, &object, NULL),
			 BERTH_OK);
	leave(&home);
}

static void
each_issuer_signs_its_own_list(void **state)
{
	(void)state;
	struct home home = enrolled();
	roll_over(&home);
	struct berth_cert *issuers[] = {home.former, home.judge->chain.at[1]};
	for (size_t i = 0; i < 2; i++) {
		const struct berth_sign_crl ask = {.issuer = berth_cert_ski(issuers[i]),
						   .partition = 1};
		BERTH_BUF payload = {0};
		BERTH_BUF object = {0};
		BERTH_CRL *crl = NULL;
		assert_int_equal(berth_sign_crl_encode(&ask, &payload), BERTH_OK);
		assert_int_equal(berth_registrar_signer_role.sign(
					 home.judge->signer, BERTH_REGISTRAR_SIGN_CRL,
					 berth_buf_view(&payload), home.judge->f->now, &object,
					 NULL),
				 BERTH_OK);
		assert_int_equal(
			berth_crl_parse(home.judge->f->pki, berth_buf_view(&object), &crl, NULL),
			BERTH_OK);
		assert_int_equal(berth_crl_verify(home.judge->f->pki, crl, issuers[i],
						  home.judge->f->now.wall, NULL),
				 BERTH_OK);
		assert_int_not_equal(berth_crl_verify(home.judge->f->pki, crl, issuers[1 - i],
						      home.judge->f->now.wall, NULL),
				     BERTH_OK);
	}
	leave(&home);
}

/* req: renewal-info-former-issuer */
static void
a_former_issuers_certificate_is_advised_to_renew_early(void **state)
{
	(void)state;
	struct home home = enrolled();
	struct berth_renewal_info info[2];
	roll_over(&home);
	for (size_t i = 0; i < 2; i++) {
		struct berth_ticket ticket;
		const struct berth_http_request http = {
			.method = BERTH_HTTP_GET, .path = BERTH_LIT(BERTH_EST_RENEWAL_INFO_PATH)};
		const struct berth_tls_facts tls = {
			.peer_chain = {berth_cert_der(home.device.cert)},
			.peer_count = 1,
			.version = 0x0304,
			.connection = 1};
		ticket = (struct berth_ticket){0};
		home_begin(home.judge);
		berth_registrar_judge_role.request(home.judge->role, &ticket, &http, &tls,
						   BERTH_LIT("192.0.2.1"));
		home_commit(home.judge);
		assert_int_equal(ticket.status, 200);
		assert_int_equal(berth_renewal_info_parse(BERTH_LIT(BERTH_EST_MEDIA_RENEWAL_INFO),
							  berth_buf_view(&ticket.body), &info[i],
							  NULL),
				 BERTH_OK);
		berth_buf_free(&ticket.body);
		home.judge->f->now.wall.s += 600;
	}
	assert_non_null(strstr(info[0].explanation, "replaced"));
	assert_true(info[0].start.s <= home.judge->f->now.wall.s);
	int64_t born = berth_cert_not_before(home.device.cert).s + 300; /* dated back so far */
	int64_t life = berth_cert_not_after(home.device.cert).s - born;
	assert_int_equal(info[0].end.s, born + life / 3 * 2); /* the usual time, being earlier */
	assert_int_equal(info[0].start.s, info[1].start.s);   /* it stands still */
	assert_int_equal(info[0].end.s, info[1].end.s);
	leave(&home);
}

static void
a_key_that_is_in_use_is_not_rolled_over_to(void **state)
{
	(void)state;
	struct home home = enrolled();
	struct berth_why why = {0};
	char uri[256];
	char path[256];
	(void)snprintf(uri, sizeof(uri), "file:%s/keys/issuing.key", home.judge->home);
	assert_int_equal(try_rollover(&home, NULL, uri, &why), BERTH_E_EXISTS);
	assert_string_equal(why.rule, "rollover-key");
	assert_int_equal(try_rollover(&home, uri, NULL, &why), BERTH_E_MISMATCH);
	assert_string_equal(why.rule, "rollover-root-key");
	(void)snprintf(path, sizeof(path), "%s/registrar.conf.d/" BERTH_ROLLOVER_DROP_IN,
		       home.judge->home);
	assert_int_not_equal(access(path, F_OK), 0);
	leave(&home);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_of_the_former_issuer_is_renewed_by_the_new_one),
		cmocka_unit_test(a_revoked_certificate_of_the_former_issuer_opens_nothing),
		cmocka_unit_test(a_certificate_opens_nothing_when_its_former_issuer_is_not_named),
		cmocka_unit_test(an_audit_log_that_names_a_former_issuer_names_us),
		cmocka_unit_test(an_audit_log_that_names_an_issuer_of_no_section_is_refused),
		cmocka_unit_test(the_signer_issues_nothing_in_a_former_issuers_name),
		cmocka_unit_test(each_issuer_signs_its_own_list),
		cmocka_unit_test(a_former_issuers_certificate_is_advised_to_renew_early),
		cmocka_unit_test(a_key_that_is_in_use_is_not_rolled_over_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
