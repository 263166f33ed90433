/* SPDX-License-Identifier: BSD-2-Clause */
/* A manufacturer's profile: how its MASA and its devices write what the RFC writes in one way. */
#include "protocol/brski/registrar.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base64.h"
#include "protocol/brski/rvr.h"
#include "support/registrar_fixture.h"

struct run {
	struct berth_registrar x;
	struct berth_peer peer;
	struct berth_buf body;
	enum berth_registrar_event event;
};

static void
run_end(struct run *run)
{
	berth_registrar_end(&run->x);
	berth_peer_free(&run->peer);
	berth_buf_free(&run->body);
}
#define RUN BERTH_CLEANUP(run_end) struct run

/* The device's request, as DER or as base64 in lines of line characters. */
static void
ask(struct fixture *f, struct run *run, bool as_base64, size_t line)
{
	const struct berth_voucher pvr = fixture_pvr(f);
	BERTH_BUF der = {0};
	fixture_sign(f, &pvr, &f->device, &der);
	struct berth_bytes plain = berth_buf_view(&der);
	assert_int_equal(as_base64 ? berth_base64_encode(plain, line, &run->body)
				   : berth_buf_append_bytes(&run->body, plain),
			 BERTH_OK);
	fixture_peer(f, &f->device, &run->peer);
	berth_registrar_start(&run->x, &f->conf, BERTH_REGISTRAR_REQUEST_VOUCHER, &run->peer,
			      f->now);
	const struct berth_http_request http = fixture_request(berth_buf_view(&run->body));
	run->event = berth_registrar_input(&run->x, &http);
}

static void
reach_masa(struct fixture *f, struct run *run)
{
	assert_int_equal(run->event, BERTH_REGISTRAR_NEED_DECISION);
	berth_decision_set(&run->x.decision, BERTH_OUTCOME_ALLOW);
	run->event = berth_registrar_answer_decision(&run->x, &(struct berth_registrar_answer){0});
	assert_int_equal(run->event, BERTH_REGISTRAR_NEED_RVR);
	BERTH_ARENA arena;
	berth_arena_start(&arena, 1 << 20);
	struct berth_voucher rvr;
	BERTH_BUF der = {0};
	assert_int_equal(berth_voucher_parse(berth_buf_view(&run->x.rvr_json),
					     BERTH_VOUCHER_REQUEST_REGISTRAR, &arena, &rvr, NULL),
			 BERTH_OK);
	fixture_sign(f, &rvr, &f->registrar, &der);
	run->event = berth_registrar_answer_rvr(&run->x, berth_buf_view(&der));
	assert_int_equal(run->event, BERTH_REGISTRAR_NEED_VOUCHER);
}

static void
answer(struct run *run, struct berth_bytes body)
{
	const struct berth_http_response response = {
		.status = 200, .media_type = BERTH_LIT(BERTH_MEDIA_VOUCHER_CMS), .body = body};
	run->event = berth_registrar_answer_masa(&run->x, &response, NULL);
}

/* req: rfc8995-5.11-body */
static void
speaks_base64_with_a_masa_and_device_that_do(void **state)
{
	struct fixture *f = *state;
	static const size_t lines[] = {0, 64};
	f->acme.body = BERTH_VOUCHER_BODY_BASE64;
	for (size_t i = 0; i < 2; i++) {
		RUN run = {0};
		BERTH_BUF rvr = {0};
		BERTH_BUF der = {0};
		BERTH_BUF text = {0};
		BERTH_BUF got = {0};
		const struct berth_voucher voucher = fixture_voucher(f);
		ask(f, &run, true, lines[i]);
		reach_masa(f, &run);
		assert_int_equal(berth_base64_decode(run.x.masa_body, false, &rvr, NULL), BERTH_OK);
		assert_true(berth_bytes_equal(berth_buf_view(&rvr), run.x.rvr_der));
		fixture_sign(f, &voucher, &f->masa, &der);
		assert_int_equal(berth_base64_encode(berth_buf_view(&der), 64, &text), BERTH_OK);
		answer(&run, berth_buf_view(&text));
		assert_int_equal(run.event, BERTH_REGISTRAR_NEED_RECORD);
		assert_true(berth_bytes_equal(run.x.voucher_der, berth_buf_view(&der)));
		run.event = berth_registrar_answer_record(&run.x);
		assert_int_equal(run.event, BERTH_REGISTRAR_END);
		assert_int_equal(berth_base64_decode(run.x.response.body, false, &got, NULL),
				 BERTH_OK);
		assert_true(berth_bytes_equal(berth_buf_view(&got), berth_buf_view(&der)));
	}
	f->acme.body = BERTH_VOUCHER_BODY_DER;
}

/* req: rfc8995-5.11-body */
static void
a_device_that_sends_der_gets_der_whatever_its_maker_writes(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	BERTH_BUF der = {0};
	const struct berth_voucher voucher = fixture_voucher(f);
	f->acme.body = BERTH_VOUCHER_BODY_BASE64;
	ask(f, &run, false, 0);
	reach_masa(f, &run);
	fixture_sign(f, &voucher, &f->masa, &der);
	answer(&run, berth_buf_view(&der)); /* a MASA that was mended may answer DER, too */
	run.event = berth_registrar_answer_record(&run.x);
	assert_true(berth_bytes_equal(run.x.response.body, berth_buf_view(&der)));
	f->acme.body = BERTH_VOUCHER_BODY_DER;
}

/* req: rfc8995-5.11-der */
static void
refuses_base64_where_the_profile_does_not_say_so(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	ask(f, &run, true, 0);
	assert_int_equal(run.event, BERTH_REGISTRAR_END);
	assert_int_equal(run.x.response.status, 400);
	assert_string_equal(run.x.why.rule, "rfc8995-5.11-not-der");
}

static void
refuses_text_that_is_no_base64(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	f->acme.body = BERTH_VOUCHER_BODY_BASE64;
	assert_int_equal(berth_buf_append_text(&run.body, "MII?"), BERTH_OK);
	fixture_peer(f, &f->device, &run.peer);
	berth_registrar_start(&run.x, &f->conf, BERTH_REGISTRAR_REQUEST_VOUCHER, &run.peer, f->now);
	const struct berth_http_request http = fixture_request(berth_buf_view(&run.body));
	run.event = berth_registrar_input(&run.x, &http);
	assert_int_equal(run.event, BERTH_REGISTRAR_END);
	assert_int_equal(run.x.response.status, 400);
	f->acme.body = BERTH_VOUCHER_BODY_DER;
}

/* req: rfc8366-5.3-2 */
static void
writes_idevid_issuer_in_the_form_that_the_masa_reads(void **state)
{
	struct fixture *f = *state;
	struct berth_bytes aki = berth_cert_aki_value(f->device.cert);
	struct berth_bytes got;
	BERTH_ARENA arena;
	berth_arena_start(&arena, 4096);
	assert_int_equal(
		berth_rvr_idevid_issuer(f->device.cert, BERTH_ISSUER_AKI, &arena, &got, NULL),
		BERTH_OK);
	assert_true(berth_bytes_equal(got, aki));
	assert_int_equal(berth_rvr_idevid_issuer(f->device.cert, BERTH_ISSUER_OCTET_STRING, &arena,
						 &got, NULL),
			 BERTH_OK);
	assert_int_equal(got.n, aki.n + 2);
	assert_int_equal(got.p[0], 0x04);
	assert_int_equal(got.p[1], aki.n);
	assert_memory_equal(got.p + 2, aki.p, aki.n);
	assert_true(berth_voucher_issuer_matches(got, aki));
	assert_int_equal(
		berth_rvr_idevid_issuer(f->device.cert, BERTH_ISSUER_KEY_ID, &arena, &got, NULL),
		BERTH_OK);
	assert_true(berth_bytes_equal(got, berth_cert_aki_key_id(f->device.cert)));
	assert_int_equal(
		berth_rvr_idevid_issuer(f->device.cert, BERTH_ISSUER_NONE, &arena, &got, NULL),
		BERTH_OK);
	assert_int_equal(got.n, 0);
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
		cmocka_unit_test(speaks_base64_with_a_masa_and_device_that_do),
		cmocka_unit_test(a_device_that_sends_der_gets_der_whatever_its_maker_writes),
		cmocka_unit_test(refuses_base64_where_the_profile_does_not_say_so),
		cmocka_unit_test(refuses_text_that_is_no_base64),
		cmocka_unit_test(writes_idevid_issuer_in_the_form_that_the_masa_reads),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
