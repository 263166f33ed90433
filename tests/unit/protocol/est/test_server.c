/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/est/server.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base64.h"
#include "pki/cms.h"
#include "protocol/est/client.h"
#include "support/registrar_fixture.h"

struct run {
	struct berth_est x;
	struct berth_peer peer;
	struct berth_buf body;
	enum berth_est_event event;
};

static void
run_end(struct run *run)
{
	berth_est_end(&run->x);
	berth_peer_free(&run->peer);
	berth_buf_free(&run->body);
}
#define RUN BERTH_CLEANUP(run_end) struct run

static const struct berth_request_fields good_fields = {.serial_number =
								BERTH_LIT_INIT(FIXTURE_SERIAL)};

static void
enrol(struct fixture *f, struct run *run, const struct person *who, struct berth_bytes der,
      size_t line_length)
{
	assert_int_equal(berth_base64_encode(der, line_length, &run->body), BERTH_OK);
	const struct berth_http_request http = {
		.method = BERTH_HTTP_POST,
		.media_type = BERTH_LIT(BERTH_EST_MEDIA_PKCS10),
		.body = berth_buf_view(&run->body),
	};
	fixture_peer(f, who, &run->peer);
	berth_est_start(&run->x, &f->est, &f->est_profile, BERTH_EST_SIMPLEENROLL, &run->peer,
			NULL);
	run->event = berth_est_input(&run->x, &http);
}

static void
assert_refused(const struct run *run, int status, const char *rule)
{
	assert_int_equal(run->event, BERTH_EST_END);
	assert_int_equal(run->x.response.status, status);
	assert_string_equal(run->x.why.rule, rule);
	assert_non_null(berth_decision_failed(&run->x.decision));
}

static void
get(struct fixture *f, struct run *run, enum berth_est_operation operation, const char *user_agent)
{
	const struct berth_http_request http = {.method = BERTH_HTTP_GET,
						.user_agent = berth_text(user_agent)};
	berth_est_start(&run->x, &f->est, &f->est_profile, operation, NULL, NULL);
	run->event = berth_est_input(&run->x, &http);
}

static bool
is_wrapped(struct berth_bytes body)
{
	return memchr(body.p, '\n', body.n) != NULL;
}

/* req: rfc7030-4.1.1-anybody rfc8951-3.1-layout rfc7030-4.1-cacerts rfc7030-4.1.3-certs-only */
static void
serves_cacerts_to_anybody_in_the_layout_that_the_client_reads(void **state)
{
	struct fixture *f = *state;
	RUN plain = {0};
	get(f, &plain, BERTH_EST_CACERTS, "");
	assert_int_equal(plain.x.response.status, 200);
	assert_false(is_wrapped(plain.x.response.body));
	RUN libest = {0};
	get(f, &libest, BERTH_EST_CACERTS, "libest 3.2");
	assert_true(is_wrapped(libest.x.response.body));
	BERTH_CERT_LIST list = {0};
	assert_int_equal(berth_est_certs_parse(f->pki, plain.x.response.media_type,
					       plain.x.response.body, &list, NULL),
			 BERTH_OK);
	assert_int_equal(list.n, 1);
	assert_true(berth_bytes_equal(berth_cert_der(list.at[0]), berth_cert_der(f->owner.cert)));
}

static void
serves_csrattrs_that_ask_for_the_devices_serial_number(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	get(f, &run, BERTH_EST_CSRATTRS, "");
	BERTH_ARENA arena;
	berth_arena_start(&arena, 65536);
	struct berth_csrattrs attrs = {0};
	assert_int_equal(berth_est_csrattrs_parse(run.x.response.media_type, run.x.response.body,
						  &arena, &attrs, NULL),
			 BERTH_OK);
	assert_true(attrs.want_serial_number);
}

/* req: rfc8995-5.9-permission rfc7030-3.7-subject rfc8951-3.1-white-space rfc8951-3.1-layout rfc7030-4.2.3-certificate */
static void
gives_a_certificate_to_a_device_with_permission(void **state)
{
	struct fixture *f = *state;
	const size_t layouts[] = {0, 64};
	for (size_t i = 0; i < 2; i++) {
		BERTH_BUF csr = {0};
		BERTH_BUF ldevid = {0};
		RUN run = {0};
		fixture_csr(f, &good_fields, NULL, &csr);
		enrol(f, &run, &f->device, berth_buf_view(&csr), layouts[i]);
		assert_int_equal(run.event, BERTH_EST_NEED_PERMISSION);
		run.event = berth_est_answer_permission(&run.x, &(struct berth_est_permission){0});
		assert_int_equal(run.event, BERTH_EST_NEED_CERTIFICATE);
		fixture_ldevid(f, berth_request_key(run.x.request), &ldevid);
		run.event = berth_est_answer_certificate(&run.x, berth_buf_view(&ldevid));
		assert_int_equal(run.x.response.status, 200);
		assert_int_equal(run.x.decision.outcome, BERTH_OUTCOME_ALLOW);
		assert_int_equal(is_wrapped(run.x.response.body), layouts[i] > 0);
		BERTH_CERT_LIST list = {0};
		assert_int_equal(berth_est_certs_parse(f->pki, run.x.response.media_type,
						       run.x.response.body, &list, NULL),
				 BERTH_OK);
		assert_int_equal(list.n, 1);
		assert_true(berth_bytes_equal(berth_cert_der(list.at[0]), berth_buf_view(&ldevid)));
	}
}

/* req: rfc8995-5.9-permission */
static void
refuses_device_without_permission(void **state)
{
	struct fixture *f = *state;
	BERTH_BUF csr = {0};
	RUN run = {0};
	fixture_csr(f, &good_fields, NULL, &csr);
	enrol(f, &run, &f->device, berth_buf_view(&csr), 0);
	const struct berth_est_permission no = {.why = {.err = BERTH_E_DENIED,
							.rule = "rfc8995-5.9-no-permission",
							.sentence = "no"}};
	run.event = berth_est_answer_permission(&run.x, &no);
	assert_refused(&run, 403, "rfc8995-5.9-no-permission");
}

static void
gives_the_same_certificate_to_the_same_key(void **state)
{
	struct fixture *f = *state;
	BERTH_BUF csr = {0};
	RUN run = {0};
	fixture_csr(f, &good_fields, NULL, &csr);
	enrol(f, &run, &f->device, berth_buf_view(&csr), 0);
	run.event = berth_est_answer_permission(
		&run.x,
		&(struct berth_est_permission){.certificate = berth_cert_der(f->ldevid.cert)});
	assert_int_equal(run.event, BERTH_EST_END);
	assert_int_equal(run.x.response.status, 200);
	assert_int_equal(run.x.decision.outcome, BERTH_OUTCOME_ALLOW);
}

/* req: rfc7030-3.7-subject rfc8995-5.9.3-csr */
static void
refuses_names_that_are_not_the_devices(void **state)
{
	struct fixture *f = *state;
	static const struct berth_bytes dns[] = {BERTH_LIT_INIT("admin.example")};
	const struct {
		const char *name;
		struct berth_request_fields fields;
		int status;
		const char *rule;
	} rows[] = {
		{"no serial number",
		 {.common_name = BERTH_LIT_INIT(FIXTURE_SERIAL)},
		 400,
		 "rfc8995-5.9.3-csr-serial-mismatch"},
		{"another device's serial number",
		 {.serial_number = BERTH_LIT_INIT(FIXTURE_OTHER_SERIAL)},
		 400,
		 "rfc8995-5.9.3-csr-serial-mismatch"},
		{"another common name",
		 {.serial_number = BERTH_LIT_INIT(FIXTURE_SERIAL),
		  .common_name = BERTH_LIT_INIT("admin")},
		 403,
		 "rfc8995-5.9.3-csr-foreign-name"},
		{"an organization",
		 {.serial_number = BERTH_LIT_INIT(FIXTURE_SERIAL),
		  .organization = BERTH_LIT_INIT("Root")},
		 403,
		 "rfc8995-5.9.3-csr-foreign-name"},
		{"a DNS name",
		 {.serial_number = BERTH_LIT_INIT(FIXTURE_SERIAL),
		  .dns_names = dns,
		  .dns_name_count = 1},
		 403,
		 "rfc8995-5.9.3-csr-foreign-name"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF csr = {0};
		RUN run = {0};
		print_message("%s\n", rows[i].name);
		fixture_csr(f, &rows[i].fields, NULL, &csr);
		enrol(f, &run, &f->device, berth_buf_view(&csr), 0);
		assert_refused(&run, rows[i].status, rows[i].rule);
	}
}

static void
refuses_a_key_that_csrattrs_did_not_ask_for(void **state)
{
	struct fixture *f = *state;
	BERTH_BUF csr = {0};
	BERTH_KEY *key = fixture_key(f, "P-384");
	RUN run = {0};
	fixture_csr(f, &good_fields, key, &csr);
	enrol(f, &run, &f->device, berth_buf_view(&csr), 0);
	assert_int_equal(run.event, BERTH_EST_END);
	assert_int_equal(run.x.response.status, 400);
}

/* req: rfc7030-3.4-possession */
static void
refuses_csr_whose_proof_of_possession_fails(void **state)
{
	struct fixture *f = *state;
	BERTH_BUF csr = {0};
	RUN run = {0};
	fixture_csr(f, &good_fields, NULL, &csr);
	csr.p[csr.n - 1] ^= 1;
	enrol(f, &run, &f->device, berth_buf_view(&csr), 0);
	assert_int_equal(run.event, BERTH_EST_END);
	assert_int_equal(run.x.response.status, 400);
}

/* req: rfc7030-4.2-client */
static void
refuses_enrolment_of_anybody_but_an_idevid(void **state)
{
	struct fixture *f = *state;
	const struct {
		const struct person *who;
		const char *rule;
	} rows[] = {
		{NULL, "rfc8995-5.1-no-client-certificate"},
		{&f->stranger, "rfc8995-5.1-unknown-manufacturer"},
		{&f->ldevid, "rfc8995-5.9-not-an-idevid"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BERTH_BUF csr = {0};
		RUN run = {0};
		fixture_csr(f, &good_fields, NULL, &csr);
		enrol(f, &run, rows[i].who, berth_buf_view(&csr), 0);
		assert_refused(&run, 403, rows[i].rule);
	}
}

/* req: rfc7030-3.2.4-types rfc7030-4.2.1-pkcs10 rfc8951-3.1-base64 rfc7030-4.2.3-error */
static void
refuses_requests_in_another_form(void **state)
{
	struct fixture *f = *state;
	BERTH_BUF csr = {0};
	fixture_csr(f, &good_fields, NULL, &csr);
	const struct {
		struct berth_http_request http;
		int status;
		const char *rule;
	} rows[] = {
		{{.method = BERTH_HTTP_GET}, 405, "rfc7030-3.2.2-method"},
		{{.method = BERTH_HTTP_POST, .media_type = BERTH_LIT_INIT("text/plain")},
		 415,
		 "rfc7030-4.2.1-media-type"},
		{{.method = BERTH_HTTP_POST,
		  .media_type = BERTH_LIT_INIT(BERTH_EST_MEDIA_PKCS10),
		  .body = berth_buf_view(&csr)},
		 400,
		 "rfc8951-3.1-not-base64"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		RUN run = {0};
		fixture_peer(f, &f->device, &run.peer);
		berth_est_start(&run.x, &f->est, &f->est_profile, BERTH_EST_SIMPLEENROLL, &run.peer,
				NULL);
		run.event = berth_est_input(&run.x, &rows[i].http);
		assert_refused(&run, rows[i].status, rows[i].rule);
	}
}

static void
an_answer_that_nobody_asked_for_ends_with_500(void **state)
{
	struct fixture *f = *state;
	BERTH_BUF csr = {0};
	RUN run = {0};
	fixture_csr(f, &good_fields, NULL, &csr);
	enrol(f, &run, &f->device, berth_buf_view(&csr), 0);
	run.event = berth_est_answer_certificate(&run.x, berth_cert_der(f->ldevid.cert));
	assert_refused(&run, 500, "est-state");
}

static const uint8_t binding[] = "0123456789abcdef0123456789abcdef";

static void
enrol_linked(struct fixture *f, struct run *run, const struct berth_tls_facts *tls,
	     struct berth_bytes challenge)
{
	BERTH_BUF csr = {0};
	struct berth_request_fields fields = good_fields;
	fields.challenge_password = challenge;
	fixture_csr(f, &fields, NULL, &csr);
	assert_int_equal(berth_base64_encode(berth_buf_view(&csr), 0, &run->body), BERTH_OK);
	const struct berth_http_request http = {
		.method = BERTH_HTTP_POST,
		.media_type = BERTH_LIT(BERTH_EST_MEDIA_PKCS10),
		.body = berth_buf_view(&run->body),
	};
	fixture_peer(f, &f->device, &run->peer);
	berth_est_start(&run->x, &f->est, &f->est_profile, BERTH_EST_SIMPLEENROLL, &run->peer, tls);
	run->event = berth_est_input(&run->x, &http);
}

/* req: rfc7030-3.5-link rfc7030-3.5-required rfc9266-3-exporter */
static void
links_a_request_to_its_connection(void **state)
{
	struct fixture *f = *state;
	const struct berth_tls_facts facts[] = {
		{.version = 0x0303, .tls_unique = berth_bytes_of(binding, 12)},
		{.version = 0x0304, .exporter = berth_bytes_of(binding, 32)},
	};
	for (size_t i = 0; i < 2; i++) {
		struct berth_bytes said = i == 0 ? facts[i].tls_unique : facts[i].exporter;
		BERTH_BUF right = {0};
		assert_int_equal(berth_base64_encode(said, 0, &right), BERTH_OK);
		RUN linked = {0};
		enrol_linked(f, &linked, &facts[i], berth_buf_view(&right));
		assert_int_equal(linked.event, BERTH_EST_NEED_PERMISSION);
		RUN elsewhere = {0};
		enrol_linked(f, &elsewhere, &facts[1 - i], berth_buf_view(&right));
		assert_refused(&elsewhere, 403, "rfc7030-3.5-link-mismatch");
		RUN nowhere = {0};
		enrol_linked(f, &nowhere, NULL, berth_buf_view(&right));
		assert_refused(&nowhere, 403, "rfc7030-3.5-link-mismatch");
		RUN without = {0};
		enrol_linked(f, &without, &facts[i], BERTH_BYTES_NONE);
		assert_int_equal(without.event, BERTH_EST_NEED_PERMISSION);
		RUN missing = {0};
		f->est_profile.needs_link = true;
		enrol_linked(f, &missing, &facts[i], BERTH_BYTES_NONE);
		f->est_profile.needs_link = false;
		assert_refused(&missing, 403, "rfc7030-3.5-link-missing");
	}
}

/* req: rfc7030-4.5.1-anybody rfc7030-4.5.2-attributes rfc9908-3.4-subject */
static void
tells_a_device_its_own_names_and_others_none(void **state)
{
	struct fixture *f = *state;
	const struct berth_http_request http = {.method = BERTH_HTTP_GET};
	BERTH_ARENA arena;
	berth_arena_start(&arena, 65536);
	const struct {
		const struct person *who;
		bool is_told;
	} rows[] = {{&f->device, true}, {&f->ldevid, true}, {&f->stranger, false}};
	for (size_t i = 0; i < 3; i++) {
		RUN run = {0};
		struct berth_csrattrs read = {0};
		fixture_peer(f, rows[i].who, &run.peer);
		berth_est_start(&run.x, &f->est, &f->est_profile, BERTH_EST_CSRATTRS, &run.peer,
				NULL);
		run.event = berth_est_input(&run.x, &http);
		assert_int_equal(run.x.response.status, 200);
		assert_int_equal(berth_est_csrattrs_parse(run.x.response.media_type,
							  run.x.response.body, &arena, &read, NULL),
				 BERTH_OK);
		assert_true(read.is_template && read.want_serial_number);
		assert_int_equal(berth_bytes_equal_text(read.serial_number, FIXTURE_SERIAL),
				 rows[i].is_told);
		assert_int_equal(read.common_name.n > 0, rows[i].is_told);
	}
}

/* req: rfc7030-3.2.2-paths rfc7030-3.2.2-label */
static void
finds_operations_with_and_without_a_label(void **state)
{
	(void)state;
	const struct {
		const char *path;
		const char *label; /* NULL: no path of ours */
		enum berth_est_operation operation;
	} rows[] = {
		{"/.well-known/est/cacerts", "", BERTH_EST_CACERTS},
		{"/.well-known/est/simplereenroll", "", BERTH_EST_SIMPLEREENROLL},
		{"/.well-known/est/servers/simpleenroll", "servers", BERTH_EST_SIMPLEENROLL},
		{"/.well-known/est/a b/csrattrs", "a b", BERTH_EST_CSRATTRS},
		{"/.well-known/est/cacerts/cacerts", NULL, 0},
		{"/.well-known/est//cacerts", NULL, 0},
		{"/.well-known/est/a/b/cacerts", NULL, 0},
		{"/.well-known/est/", NULL, 0},
		{"/.well-known/est/cacert", NULL, 0},
		{"/.well-known/est/a/", NULL, 0},
		{"/.well-known/est", NULL, 0},
		{"/est/cacerts", NULL, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct berth_bytes label = BERTH_BYTES_NONE;
		enum berth_est_operation operation = BERTH_EST_FULLCMC;
		bool found = berth_est_route(berth_text(rows[i].path), &label, &operation);
		print_message("%s\n", rows[i].path);
		assert_int_equal(found, rows[i].label != NULL);
		if (!found)
			continue;
		assert_true(berth_bytes_equal_text(label, rows[i].label));
		assert_int_equal(operation, rows[i].operation);
	}
}

static void
says_what_it_does_not_serve(void **state)
{
	struct fixture *f = *state;
	const enum berth_est_operation operations[] = {BERTH_EST_SERVERKEYGEN, BERTH_EST_FULLCMC};
	for (size_t i = 0; i < 2; i++) {
		RUN run = {0};
		const struct berth_http_request http = {.method = BERTH_HTTP_POST};
		berth_est_start(&run.x, &f->est, &f->est_profile, operations[i], NULL, NULL);
		run.event = berth_est_input(&run.x, &http);
		assert_refused(&run, 501, "rfc7030-3.2.2-not-served");
	}
}

static int
open_world(void **state)
{
	*state = fixture_open();
	return 0;
}

static int
close_world(void **state)
{
	fixture_close(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_cacerts_to_anybody_in_the_layout_that_the_client_reads),
		cmocka_unit_test(serves_csrattrs_that_ask_for_the_devices_serial_number),
		cmocka_unit_test(gives_a_certificate_to_a_device_with_permission),
		cmocka_unit_test(refuses_device_without_permission),
		cmocka_unit_test(gives_the_same_certificate_to_the_same_key),
		cmocka_unit_test(refuses_names_that_are_not_the_devices),
		cmocka_unit_test(refuses_a_key_that_csrattrs_did_not_ask_for),
		cmocka_unit_test(refuses_csr_whose_proof_of_possession_fails),
		cmocka_unit_test(refuses_enrolment_of_anybody_but_an_idevid),
		cmocka_unit_test(refuses_requests_in_another_form),
		cmocka_unit_test(links_a_request_to_its_connection),
		cmocka_unit_test(tells_a_device_its_own_names_and_others_none),
		cmocka_unit_test(finds_operations_with_and_without_a_label),
		cmocka_unit_test(says_what_it_does_not_serve),
		cmocka_unit_test(an_answer_that_nobody_asked_for_ends_with_500),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
