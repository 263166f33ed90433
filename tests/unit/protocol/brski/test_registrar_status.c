/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/registrar.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "support/registrar_fixture.h"

#define RVR "the signed request"
#define NO_EVENTS "{\"version\":1,\"events\":[],\"truncation\":{}}"

struct run {
	struct berth_registrar x;
	struct berth_peer peer;
	enum berth_registrar_event event;
};

static void
run_end(struct run *run)
{
	berth_registrar_end(&run->x);
	berth_peer_free(&run->peer);
}
#define RUN BERTH_CLEANUP(run_end) struct run

static void
tell_as(struct fixture *f, struct run *run, enum berth_registrar_operation operation,
	const struct person *who, const char *media_type, const char *json)
{
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.media_type = berth_text(media_type),
						.body = berth_text(json)};
	fixture_peer(f, who, &run->peer);
	berth_registrar_start(&run->x, &f->conf, operation, &run->peer, f->now);
	run->event = berth_registrar_input(&run->x, &http);
}

static void
tell(struct fixture *f, struct run *run, const char *json)
{
	tell_as(f, run, BERTH_REGISTRAR_VOUCHER_STATUS, &f->device, "application/json", json);
}

static void
found(struct run *run)
{
	assert_int_equal(run->event, BERTH_REGISTRAR_NEED_DEVICE);
	const struct berth_registrar_record record = {
		.is_known = true, .has_voucher = true, .rvr = BERTH_LIT(RVR), .audit_is_due = true};
	run->event = berth_registrar_answer_device(&run->x, &record);
}

static void
answer(struct run *run, const struct berth_http_response *response)
{
	assert_int_equal(run->event, BERTH_REGISTRAR_NEED_AUDIT_LOG);
	run->event = berth_registrar_answer_masa(&run->x, response, NULL);
}

/* req: rfc8995-5.8-audit-log rfc8995-5.7-voucher-status */
static void
asks_for_the_audit_log_with_the_same_request_before_enrolment(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	tell(f, &run, "{\"version\":1,\"status\":true}");
	found(&run);
	assert_int_equal(run.event, BERTH_REGISTRAR_NEED_AUDIT_LOG);
	assert_string_equal(run.x.masa.host, "masa.example");
	assert_string_equal(run.x.masa_path, "/.well-known/brski/requestauditlog");
	assert_true(berth_bytes_equal_text(run.x.masa_body, RVR));
	answer(&run, &(struct berth_http_response){.status = 200,
						   .media_type = BERTH_LIT("application/json"),
						   .body = BERTH_LIT(NO_EVENTS)});
	assert_int_equal(run.event, BERTH_REGISTRAR_NEED_AUDIT_VERDICT);
	assert_true(run.x.has_audit_log);
	assert_int_equal(run.x.audit_log.event_count, 0);
	run.event = berth_registrar_answer_audit(&run.x);
	assert_int_equal(run.event, BERTH_REGISTRAR_END);
	assert_int_equal(run.x.response.status, 200);
}

static void
follows_a_201_on_the_same_masa_once(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	tell(f, &run, "{\"version\":1,\"status\":true}");
	found(&run);
	answer(&run,
	       &(struct berth_http_response){.status = 201, .location = BERTH_LIT("/log/5f0c")});
	assert_int_equal(run.event, BERTH_REGISTRAR_NEED_AUDIT_LOG);
	assert_string_equal(run.x.masa_path, "/log/5f0c");
	assert_int_equal(run.x.masa_body.n, 0);
	answer(&run,
	       &(struct berth_http_response){.status = 201, .location = BERTH_LIT("/log/5f0d")});
	assert_int_equal(run.event, BERTH_REGISTRAR_NEED_AUDIT_VERDICT);
	assert_false(run.x.has_audit_log);
	assert_string_equal(run.x.audit_why.rule, "rfc8995-5.8.1-location");
}

static void
does_not_follow_a_201_to_another_host(void **state)
{
	struct fixture *f = *state;
	const char *const locations[] = {"https://elsewhere.example:9443/log",
					 "https://masa.example/log", "",
					 "https://masa.example:9443@elsewhere.example/log"};
	for (size_t i = 0; i < sizeof(locations) / sizeof(locations[0]); i++) {
		RUN run = {0};
		tell(f, &run, "{\"version\":1,\"status\":true}");
		found(&run);
		answer(&run, &(struct berth_http_response){.status = 201,
							   .location = berth_text(locations[i])});
		assert_int_equal(run.event, BERTH_REGISTRAR_NEED_AUDIT_VERDICT);
		assert_false(run.x.has_audit_log);
	}
}

static void
an_audit_log_that_cannot_be_had_or_read_is_no_clean_one(void **state)
{
	struct fixture *f = *state;
	const struct berth_http_response rows[] = {
		{.status = 0},
		{.status = 404},
		{.status = 200,
		 .media_type = BERTH_LIT_INIT("text/html"),
		 .body = BERTH_LIT_INIT(NO_EVENTS)},
		{.status = 200,
		 .media_type = BERTH_LIT_INIT("application/json"),
		 .body = BERTH_LIT_INIT("{")},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		RUN run = {0};
		tell(f, &run, "{\"version\":1,\"status\":true}");
		found(&run);
		answer(&run, &rows[i]);
		assert_int_equal(run.event, BERTH_REGISTRAR_NEED_AUDIT_VERDICT);
		assert_false(run.x.has_audit_log);
		assert_int_not_equal(run.x.audit_why.err, BERTH_OK);
	}
}

static void
a_device_that_rejects_the_voucher_is_heard_and_gets_no_further(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	tell(f, &run, "{\"version\":1,\"status\":false,\"reason\":\"no\"}");
	found(&run);
	assert_int_equal(run.event, BERTH_REGISTRAR_END);
	assert_int_equal(run.x.response.status, 200);
	assert_false(run.x.telemetry.status);
	assert_int_equal(run.x.decision.outcome, BERTH_OUTCOME_DENY);
	assert_string_equal(berth_decision_failed(&run.x.decision)->rule, "rfc8995-5.7-rejected");
}

/* req: rfc8995-5.7-voucher-status */
static void
answers_404_to_a_device_that_got_no_voucher_here(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	tell(f, &run, "{\"version\":1,\"status\":true}");
	run.event = berth_registrar_answer_device(
		&run.x, &(struct berth_registrar_record){.is_known = true});
	assert_int_equal(run.x.response.status, 404);
	assert_string_equal(run.x.why.rule, "rfc8995-5.7-no-voucher");
}

static void
refuses_status_messages_in_another_form(void **state)
{
	struct fixture *f = *state;
	const struct {
		const char *media_type;
		const char *json;
		int status;
	} rows[] = {
		{"text/plain", "{\"version\":1,\"status\":true}", 415},
		{"application/json", "{\"version\":1}", 400},
		{"application/json", "{\"version\":1,\"status\":\"yes\"}", 400},
		{"application/json", "{\"version\":1,\"status\":true,\"status\":false}", 400},
		{"application/json", "", 400},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		RUN run = {0};
		tell_as(f, &run, BERTH_REGISTRAR_VOUCHER_STATUS, &f->device, rows[i].media_type,
			rows[i].json);
		assert_int_equal(run.event, BERTH_REGISTRAR_END);
		assert_int_equal(run.x.response.status, rows[i].status);
	}
}

static void
voucher_status_needs_the_birth_certificate(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	tell_as(f, &run, BERTH_REGISTRAR_VOUCHER_STATUS, &f->ldevid, "application/json",
		"{\"version\":1,\"status\":true}");
	assert_string_equal(run.x.why.rule, "rfc8995-5.1-not-an-idevid");
}

/* req: rfc8995-5.9.4-session */
static void
knows_whether_enrollstatus_came_on_the_new_certificate(void **state)
{
	struct fixture *f = *state;
	const struct {
		const struct person *who;
		struct berth_bytes newest;
		bool want;
	} rows[] = {
		{&f->ldevid, berth_cert_der(f->ldevid.cert), true},
		{&f->ldevid, berth_cert_der(f->device.cert), false},
		{&f->ldevid, BERTH_BYTES_NONE, false},
		{&f->device, berth_cert_der(f->device.cert), false},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		RUN run = {0};
		tell_as(f, &run, BERTH_REGISTRAR_ENROLL_STATUS, rows[i].who, "application/json",
			"{\"version\":1,\"status\":true}");
		const struct berth_registrar_record record = {.is_known = true,
							      .certificate = rows[i].newest};
		run.event = berth_registrar_answer_device(&run.x, &record);
		assert_int_equal(run.x.response.status, 200);
		assert_int_equal(run.x.used_new_certificate, rows[i].want);
		assert_int_equal(run.x.decision.outcome, BERTH_OUTCOME_ALLOW);
	}
}

static void
a_device_that_could_not_enrol_is_heard_and_not_allowed(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	tell_as(f, &run, BERTH_REGISTRAR_ENROLL_STATUS, &f->device, "application/json",
		"{\"version\":1,\"status\":false,\"reason\":\"key store full\"}");
	const struct berth_registrar_record record = {.is_known = true};
	run.event = berth_registrar_answer_device(&run.x, &record);
	assert_int_equal(run.x.response.status, 200);
	assert_int_equal(run.x.decision.outcome, BERTH_OUTCOME_DENY);
	assert_string_equal(berth_decision_failed(&run.x.decision)->rule, "rfc8995-5.9.4-failure");
}

static void
a_status_told_again_decides_nothing(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	tell(f, &run, "{\"version\":1,\"status\":true}");
	const struct berth_registrar_record record = {.is_known = true, .has_voucher = true};
	run.event = berth_registrar_answer_device(&run.x, &record);
	assert_int_equal(run.x.response.status, 200);
	assert_true(run.x.is_told_again);
	RUN first = {0};
	tell(f, &first, "{\"version\":1,\"status\":true}");
	found(&first);
	answer(&first, &(struct berth_http_response){.status = 404});
	first.event = berth_registrar_answer_audit(&first.x);
	assert_false(first.x.is_told_again);
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
		cmocka_unit_test(asks_for_the_audit_log_with_the_same_request_before_enrolment),
		cmocka_unit_test(follows_a_201_on_the_same_masa_once),
		cmocka_unit_test(does_not_follow_a_201_to_another_host),
		cmocka_unit_test(an_audit_log_that_cannot_be_had_or_read_is_no_clean_one),
		cmocka_unit_test(a_device_that_rejects_the_voucher_is_heard_and_gets_no_further),
		cmocka_unit_test(answers_404_to_a_device_that_got_no_voucher_here),
		cmocka_unit_test(refuses_status_messages_in_another_form),
		cmocka_unit_test(voucher_status_needs_the_birth_certificate),
		cmocka_unit_test(knows_whether_enrollstatus_came_on_the_new_certificate),
		cmocka_unit_test(a_device_that_could_not_enrol_is_heard_and_not_allowed),
		cmocka_unit_test(a_status_told_again_decides_nothing),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
