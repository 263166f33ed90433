/* SPDX-License-Identifier: BSD-2-Clause */
#include "protocol/brski/registrar.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/base64.h"
#include "support/registrar_fixture.h"

/* One request as far as the machine takes it by itself. */
struct run {
	struct berth_registrar x;
	struct berth_peer peer;
	struct berth_buf pvr;
	enum berth_registrar_event event;
};

static void
run_end(struct run *run)
{
	berth_registrar_end(&run->x);
	berth_peer_free(&run->peer);
	berth_buf_free(&run->pvr);
}
#define RUN BERTH_CLEANUP(run_end) struct run

static void
ask(struct fixture *f, struct run *run, const struct berth_voucher *pvr, const struct person *tls,
    const struct person *signer)
{
	fixture_sign(f, pvr, signer, &run->pvr);
	fixture_peer(f, tls, &run->peer);
	berth_registrar_start(&run->x, &f->conf, BERTH_REGISTRAR_REQUEST_VOUCHER, &run->peer,
			      f->now);
	const struct berth_http_request http = fixture_request(berth_buf_view(&run->pvr));
	run->event = berth_registrar_input(&run->x, &http);
}

static void
ask_well(struct fixture *f, struct run *run)
{
	const struct berth_voucher pvr = fixture_pvr(f);
	ask(f, run, &pvr, &f->device, &f->device);
}

static void
assert_refused(const struct run *run, int status, const char *rule)
{
	assert_int_equal(run->event, BERTH_REGISTRAR_END);
	assert_int_equal(run->x.response.status, status);
	assert_string_equal(run->x.why.rule, rule);
	assert_int_equal(run->x.decision.outcome, BERTH_OUTCOME_DENY);
	const struct berth_check *failed = berth_decision_failed(&run->x.decision);
	assert_non_null(failed);
	assert_string_equal(failed->rule, rule);
}

static void
decide(struct run *run, enum berth_outcome outcome)
{
	assert_int_equal(run->event, BERTH_REGISTRAR_NEED_DECISION);
	berth_decision_set(&run->x.decision, outcome);
	run->event = berth_registrar_answer_decision(
		&run->x, &(struct berth_registrar_answer){.retry_after_s = 7});
}

/* As far as the MASA's door; the registrar's signature is made with the fixture's key. */
static void
reach_masa(struct fixture *f, struct run *run)
{
	ask_well(f, run);
	decide(run, BERTH_OUTCOME_ALLOW);
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
answer(struct run *run, int status, const char *media_type, struct berth_bytes body)
{
	const struct berth_http_response response = {
		.status = status, .media_type = berth_text(media_type), .body = body};
	run->event = berth_registrar_answer_masa(&run->x, &response, NULL);
}

/* ---- the good path ---- */

/* req: rfc8995-5.3-serial rfc8995-5.3-proximity rfc8995-5.3-signer rfc8995-5.2-nonce */
static void
gives_the_masas_voucher_unchanged_when_every_check_holds(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	reach_masa(f, &run);
	assert_string_equal(run.x.masa.host, "masa.example");
	assert_int_equal(run.x.masa.port, 9443);
	assert_string_equal(run.x.masa_path, "/.well-known/brski/requestvoucher");
	const struct berth_voucher voucher = fixture_voucher(f);
	BERTH_BUF der = {0};
	fixture_sign(f, &voucher, &f->masa, &der);
	answer(&run, 200, BERTH_MEDIA_VOUCHER_CMS, berth_buf_view(&der));
	assert_int_equal(run.event, BERTH_REGISTRAR_NEED_RECORD);
	assert_true(run.x.voucher_is_trusted);
	assert_int_equal(run.x.voucher_assertion, BERTH_ASSERTION_PROXIMITY);
	run.event = berth_registrar_answer_record(&run.x);
	assert_int_equal(run.event, BERTH_REGISTRAR_END);
	assert_int_equal(run.x.response.status, 200);
	assert_true(berth_bytes_equal(run.x.response.body, berth_buf_view(&der)));
	assert_true(berth_bytes_equal_text(run.x.response.media_type, BERTH_MEDIA_VOUCHER_CMS));
}

/* req: rfc8995-5.5-fields, rfc8995-5.5-serial */
static void
asks_the_masa_with_the_pledges_bytes_inside(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	ask_well(f, &run);
	decide(&run, BERTH_OUTCOME_ALLOW);
	BERTH_ARENA arena;
	berth_arena_start(&arena, 1 << 20);
	struct berth_voucher rvr;
	assert_int_equal(berth_voucher_parse(berth_buf_view(&run.x.rvr_json),
					     BERTH_VOUCHER_REQUEST_REGISTRAR, &arena, &rvr, NULL),
			 BERTH_OK);
	assert_int_equal(berth_voucher_check_kind(&rvr, NULL), BERTH_OK);
	const struct berth_voucher pvr = fixture_pvr(f);
	assert_true(berth_bytes_equal(rvr.prior_signed_voucher_request, berth_buf_view(&run.pvr)));
	assert_true(berth_bytes_equal(rvr.nonce, pvr.nonce));
	assert_true(berth_bytes_equal_text(rvr.serial_number, FIXTURE_SERIAL));
	assert_int_equal(rvr.assertion, BERTH_ASSERTION_PROXIMITY);
	assert_int_equal(rvr.created_on.s, f->now.wall.s);
	assert_true(berth_bytes_equal(rvr.idevid_issuer, berth_cert_aki_value(f->device.cert)));
	assert_int_equal(rvr.proximity_registrar_cert.n, 0);
	assert_int_equal(rvr.pinned_domain_cert.n, 0);
}

/* ---- refusals of the request ---- */

/* req: rfc8995-5.3-serial */
static void
refuses_serial_that_is_not_the_tls_clients(void **state)
{
	struct fixture *f = *state;
	struct berth_voucher pvr = fixture_pvr(f);
	pvr.serial_number = BERTH_LIT(FIXTURE_OTHER_SERIAL);
	RUN run = {0};
	ask(f, &run, &pvr, &f->device, &f->device);
	assert_refused(&run, 404, "rfc8995-5.3-serial-mismatch");
}

/* req: rfc8995-5.3-signer */
static void
refuses_pvr_signed_by_another_device_than_the_tls_client(void **state)
{
	struct fixture *f = *state;
	const struct berth_voucher pvr = fixture_pvr(f);
	RUN run = {0};
	ask(f, &run, &pvr, &f->device, &f->other_device);
	assert_refused(&run, 404, "rfc8995-5.3-signer-mismatch");
}

/* req: rfc8995-5.3-proximity, rfc8995-5.2-close */
static void
refuses_pvr_whose_proximity_certificate_is_another_registrars(void **state)
{
	struct fixture *f = *state;
	struct berth_voucher pvr = fixture_pvr(f);
	pvr.proximity_registrar_cert = berth_cert_der(f->rival.cert);
	RUN run = {0};
	ask(f, &run, &pvr, &f->device, &f->device);
	assert_refused(&run, 401, "rfc8995-5.3-proximity-mismatch");
	assert_true(run.x.response.close);
}

/* req: rfc8995-5.3-proximity */
static void
refuses_pvr_whose_proximity_certificate_differs_in_one_byte(void **state)
{
	struct fixture *f = *state;
	struct berth_bytes own = berth_cert_der(f->registrar.cert);
	uint8_t altered[4096];
	assert_true(own.n < sizeof(altered));
	memcpy(altered, own.p, own.n);
	altered[own.n - 1] ^= 1;
	struct berth_voucher pvr = fixture_pvr(f);
	pvr.proximity_registrar_cert = berth_bytes_of(altered, own.n);
	RUN run = {0};
	ask(f, &run, &pvr, &f->device, &f->device);
	assert_refused(&run, 401, "rfc8995-5.3-proximity-mismatch");
}

static void
refuses_pvr_that_does_not_assert_proximity(void **state)
{
	struct fixture *f = *state;
	struct berth_voucher pvr = fixture_pvr(f);
	pvr.assertion = BERTH_ASSERTION_LOGGED;
	RUN run = {0};
	ask(f, &run, &pvr, &f->device, &f->device);
	assert_int_equal(run.event, BERTH_REGISTRAR_END);
	assert_true(run.x.response.status == 401 || run.x.response.status == 400 ||
		    run.x.response.status == 404);
}

/* req: rfc8995-5.2-nonce */
static void
refuses_pvr_without_a_nonce(void **state)
{
	struct fixture *f = *state;
	struct berth_voucher pvr = fixture_pvr(f);
	pvr.nonce = BERTH_BYTES_NONE;
	RUN run = {0};
	ask(f, &run, &pvr, &f->device, &f->device);
	assert_int_equal(run.event, BERTH_REGISTRAR_END);
	assert_true(run.x.response.status >= 400 && run.x.response.status < 500);
}

/* req: rfc8995-5.2-created-on */
static void
refuses_pvr_of_a_day_that_cannot_be(void **state)
{
	struct fixture *f = *state;
	const int64_t days[] = {2, -2 * 365};
	for (size_t i = 0; i < 2; i++) {
		struct berth_voucher pvr = fixture_pvr(f);
		pvr.created_on.s += days[i] * 86400;
		RUN run = {0};
		ask(f, &run, &pvr, &f->device, &f->device);
		assert_refused(&run, 400, "rfc8995-5.2-created-on");
	}
}

static void
accepts_pvr_of_a_device_without_a_clock(void **state)
{
	struct fixture *f = *state;
	struct berth_voucher pvr = fixture_pvr(f);
	pvr.has_created_on = false;
	RUN run = {0};
	ask(f, &run, &pvr, &f->device, &f->device);
	assert_int_equal(run.event, BERTH_REGISTRAR_NEED_DECISION);
}

/* req: rfc8995-5.1-client-certificate */
static void
refuses_device_of_unknown_manufacturer(void **state)
{
	struct fixture *f = *state;
	const struct berth_voucher pvr = fixture_pvr(f);
	RUN run = {0};
	ask(f, &run, &pvr, &f->stranger, &f->stranger);
	assert_refused(&run, 404, "rfc8995-5.1-unknown-manufacturer");
}

/* req: rfc8995-5.1-client-certificate, rfc8995-7.3-unauthenticated */
static void
refuses_peer_without_a_certificate(void **state)
{
	struct fixture *f = *state;
	const struct berth_voucher pvr = fixture_pvr(f);
	RUN run = {0};
	ask(f, &run, &pvr, NULL, &f->device);
	assert_refused(&run, 403, "rfc8995-5.1-no-client-certificate");
}

static void
refuses_voucher_request_with_a_certificate_of_ours(void **state)
{
	struct fixture *f = *state;
	const struct berth_voucher pvr = fixture_pvr(f);
	RUN run = {0};
	ask(f, &run, &pvr, &f->ldevid, &f->device);
	assert_refused(&run, 404, "rfc8995-5.1-not-an-idevid");
}

/* req: rfc8995-2.3-expiry */
static void
refuses_idevid_outside_its_time_unless_its_maker_is_excused(void **state)
{
	struct fixture *f = *state;
	const struct berth_now then = f->now;
	f->now.wall = (struct berth_wall){FIXTURE_NOW_S - 3 * 365 * 86400}; /* before it was made */
	struct berth_peer peer = {0};
	fixture_peer(f, &f->device, &peer);
	assert_int_equal(peer.kind, BERTH_PEER_UNTRUSTED);
	assert_int_equal(peer.why.err, BERTH_E_EXPIRED);
	berth_peer_free(&peer);
	f->acme.ignore_expiry = true;
	fixture_peer(f, &f->device, &peer);
	assert_int_equal(peer.kind, BERTH_PEER_IDEVID);
	berth_peer_free(&peer);
	f->acme.ignore_expiry = false;
	f->now = then;
}

/* Else a revoked certificate of ours would do as a birth certificate, which nobody here revokes. */
/* req: rfc5280-6.3-revoked */
static void
knows_its_own_devices_where_a_maker_has_the_same_root(void **state)
{
	struct fixture *f = *state;
	const struct berth_now then = f->now;
	struct berth_cert_list *anchors = &f->acme.anchors;
	struct berth_peer peer = {0};
	assert_int_equal(berth_cert_list_add(anchors, f->owner.cert, NULL), BERTH_OK);
	fixture_peer(f, &f->ldevid, &peer);
	assert_int_equal(peer.kind, BERTH_PEER_LDEVID);
	berth_peer_free(&peer);
	f->acme.ignore_expiry = true;
	f->now.wall.s = berth_cert_not_after(f->ldevid.cert).s + 1;
	fixture_peer(f, &f->ldevid, &peer);
	assert_int_equal(peer.kind, BERTH_PEER_UNTRUSTED);
	assert_int_equal(peer.why.err, BERTH_E_EXPIRED);
	berth_peer_free(&peer);
	f->acme.ignore_expiry = false;
	f->now = then;
	fixture_peer(f, &f->device, &peer);
	assert_int_equal(peer.kind, BERTH_PEER_IDEVID);
	berth_peer_free(&peer);
	berth_cert_free(anchors->at[--anchors->n]);
}

static void
send(struct fixture *f, struct run *run, const struct berth_http_request *http)
{
	fixture_peer(f, &f->device, &run->peer);
	berth_registrar_start(&run->x, &f->conf, BERTH_REGISTRAR_REQUEST_VOUCHER, &run->peer,
			      f->now);
	run->event = berth_registrar_input(&run->x, http);
}

/* req: rfc8995-5.2-media-type rfc8995-5.11-der */
static void
refuses_request_in_another_form(void **state)
{
	struct fixture *f = *state;
	const struct berth_voucher pvr = fixture_pvr(f);
	BERTH_BUF der = {0};
	BERTH_BUF base64 = {0};
	fixture_sign(f, &pvr, &f->device, &der);
	assert_int_equal(berth_base64_encode(berth_buf_view(&der), 0, &base64), BERTH_OK);
	const struct berth_http_request good = fixture_request(berth_buf_view(&der));

	struct berth_http_request http = good;
	http.media_type = BERTH_LIT("application/json");
	RUN other_media = {0};
	send(f, &other_media, &http);
	assert_refused(&other_media, 415, "rfc8995-5.2-media-type");

	http = good;
	http.accept = BERTH_LIT("application/voucher-jws+json");
	RUN other_accept = {0};
	send(f, &other_accept, &http);
	assert_refused(&other_accept, 406, "rfc8995-5.2-accept");

	http = good;
	http.method = BERTH_HTTP_GET;
	RUN get = {0};
	send(f, &get, &http);
	assert_refused(&get, 405, "rfc8995-5-method");

	http = good;
	http.body = berth_buf_view(&base64);
	RUN encoded = {0};
	send(f, &encoded, &http);
	assert_refused(&encoded, 400, "rfc8995-5.11-not-der");

	http = good;
	http.body = berth_bytes_of(der.p, der.n - 1);
	RUN cut = {0};
	send(f, &cut, &http);
	assert_int_equal(cut.x.response.status, 400);

	http = good;
	http.body = BERTH_BYTES_NONE;
	RUN empty = {0};
	send(f, &empty, &http);
	assert_int_equal(empty.x.response.status, 400);
}

static void
refuses_pvr_with_one_bit_of_its_signature_changed(void **state)
{
	struct fixture *f = *state;
	const struct berth_voucher pvr = fixture_pvr(f);
	BERTH_BUF der = {0};
	fixture_sign(f, &pvr, &f->device, &der);
	der.p[der.n - 1] ^= 1;
	const struct berth_http_request http = fixture_request(berth_buf_view(&der));
	RUN run = {0};
	send(f, &run, &http);
	assert_int_equal(run.event, BERTH_REGISTRAR_END);
	assert_true(run.x.response.status == 404 || run.x.response.status == 400);
}

/* req: rfc8995-2.3.2-masa-url */
static void
finds_no_masa_where_neither_idevid_nor_configuration_name_one(void **state)
{
	struct fixture *f = *state;
	struct berth_voucher pvr = fixture_pvr(f);
	pvr.serial_number = BERTH_LIT("CAM-0003");
	RUN run = {0};
	ask(f, &run, &pvr, &f->silent_device, &f->silent_device);
	assert_refused(&run, 403, "rfc8995-2.3.2-no-masa-url");
	f->acme.has_masa_url = true;
	f->acme.masa_url = (struct berth_masa_url){.host = "own.example", .port = 1, .path = "/b"};
	RUN again = {0};
	ask(f, &again, &pvr, &f->silent_device, &f->silent_device);
	f->acme.has_masa_url = false;
	assert_int_equal(again.event, BERTH_REGISTRAR_NEED_DECISION);
	assert_string_equal(again.x.masa.host, "own.example");
}

/* ---- decisions ---- */

/* req: rfc8995-5.3-authorise */
static void
lets_a_device_wait_with_202_and_retry_after(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	ask_well(f, &run);
	decide(&run, BERTH_OUTCOME_PENDING);
	assert_int_equal(run.event, BERTH_REGISTRAR_END);
	assert_int_equal(run.x.response.status, 202);
	assert_int_equal(run.x.response.retry_after_s, 7);
}

/* req: rfc8995-5.3-authorise */
static void
denies_with_403_and_the_policys_reason(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	ask_well(f, &run);
	struct berth_why why = {0};
	berth_ignore(berth_fail(&why, BERTH_E_DENIED, "policy-stolen", NULL, "a rule denies it"),
		     "the reason is wanted");
	berth_decision_fail(&run.x.decision, &why);
	run.event = berth_registrar_answer_decision(&run.x, &(struct berth_registrar_answer){0});
	assert_int_equal(run.x.response.status, 403);
	assert_string_equal(run.x.why.rule, "policy-stolen");
}

static void
gives_the_same_voucher_to_the_same_bytes(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	ask_well(f, &run);
	berth_decision_set(&run.x.decision, BERTH_OUTCOME_ALLOW);
	run.event = berth_registrar_answer_decision(
		&run.x, &(struct berth_registrar_answer){.earlier_voucher = BERTH_LIT("earlier")});
	assert_int_equal(run.x.response.status, 200);
	assert_true(berth_bytes_equal_text(run.x.response.body, "earlier"));
}

static void
an_answer_that_nobody_asked_for_ends_with_500(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	ask_well(f, &run);
	run.event = berth_registrar_answer_record(&run.x);
	assert_refused(&run, 500, "registrar-state");
}

/* ---- the MASA's answers ---- */

/* req: rfc8995-5.6-masa-error, rfc8995-5.4-401 */
static void
passes_the_masas_refusal_on_and_what_lies_between_as_502(void **state)
{
	struct fixture *f = *state;
	const struct {
		int masa;
		int pledge;
		bool alarm;
	} rows[] = {{403, 403, false}, {404, 404, false}, {406, 406, false}, {415, 415, false},
		    {500, 500, false}, {401, 502, true},  {302, 502, false}, {204, 502, false}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		RUN run = {0};
		reach_masa(f, &run);
		answer(&run, rows[i].masa, "text/plain", BERTH_LIT("no\r\nX: y"));
		assert_refused(&run, rows[i].pledge, "rfc8995-5.6-masa-refuses");
		assert_int_equal(run.x.masa_refused_us, rows[i].alarm);
		assert_null(strchr(run.x.why.sentence, '\r'));
	}
}

static void
answers_502_or_504_when_the_masa_cannot_be_asked(void **state)
{
	struct fixture *f = *state;
	const enum berth_err errors[] = {BERTH_E_UNREACHABLE, BERTH_E_TIMEOUT};
	for (size_t i = 0; i < 2; i++) {
		RUN run = {0};
		struct berth_why why = {.err = errors[i], .sentence = "gone"};
		reach_masa(f, &run);
		run.event =
			berth_registrar_answer_masa(&run.x, &(struct berth_http_response){0}, &why);
		assert_refused(&run, i == 0 ? 502 : 504, "rfc8995-5.4-masa-unreachable");
	}
}

static void
refuse_voucher(struct fixture *f, const struct berth_voucher *voucher, const char *rule)
{
	RUN run = {0};
	BERTH_BUF der = {0};
	reach_masa(f, &run);
	fixture_sign(f, voucher, &f->masa, &der);
	answer(&run, 200, BERTH_MEDIA_VOUCHER_CMS, berth_buf_view(&der));
	assert_refused(&run, 502, rule);
}

/* req: rfc8995-5.6-audit, rfc8995-5.6.2-registrar */
static void
does_not_forward_a_voucher_that_is_not_for_this_device_and_us(void **state)
{
	struct fixture *f = *state;
	static const uint8_t other[16] = {9};
	struct berth_voucher voucher = fixture_voucher(f);
	voucher.serial_number = BERTH_LIT(FIXTURE_OTHER_SERIAL);
	refuse_voucher(f, &voucher, "rfc8995-5.6-serial-mismatch");
	voucher = fixture_voucher(f);
	voucher.nonce = berth_bytes_of(other, sizeof(other));
	refuse_voucher(f, &voucher, "rfc8995-5.6-nonce-mismatch");
	voucher = fixture_voucher(f);
	voucher.pinned_domain_cert = berth_cert_der(f->rival_owner.cert);
	refuse_voucher(f, &voucher, "rfc8995-5.6-pin-mismatch");
}

static void
does_not_forward_another_media_type_as_a_voucher(void **state)
{
	struct fixture *f = *state;
	RUN run = {0};
	reach_masa(f, &run);
	answer(&run, 200, "text/html", BERTH_LIT("<html>"));
	assert_refused(&run, 502, "rfc8995-5.6-media-type");
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
		cmocka_unit_test(gives_the_masas_voucher_unchanged_when_every_check_holds),
		cmocka_unit_test(asks_the_masa_with_the_pledges_bytes_inside),
		cmocka_unit_test(refuses_serial_that_is_not_the_tls_clients),
		cmocka_unit_test(refuses_pvr_signed_by_another_device_than_the_tls_client),
		cmocka_unit_test(refuses_pvr_whose_proximity_certificate_is_another_registrars),
		cmocka_unit_test(refuses_pvr_whose_proximity_certificate_differs_in_one_byte),
		cmocka_unit_test(refuses_pvr_that_does_not_assert_proximity),
		cmocka_unit_test(refuses_pvr_without_a_nonce),
		cmocka_unit_test(refuses_pvr_of_a_day_that_cannot_be),
		cmocka_unit_test(accepts_pvr_of_a_device_without_a_clock),
		cmocka_unit_test(refuses_device_of_unknown_manufacturer),
		cmocka_unit_test(refuses_peer_without_a_certificate),
		cmocka_unit_test(refuses_voucher_request_with_a_certificate_of_ours),
		cmocka_unit_test(refuses_idevid_outside_its_time_unless_its_maker_is_excused),
		cmocka_unit_test(knows_its_own_devices_where_a_maker_has_the_same_root),
		cmocka_unit_test(refuses_request_in_another_form),
		cmocka_unit_test(refuses_pvr_with_one_bit_of_its_signature_changed),
		cmocka_unit_test(finds_no_masa_where_neither_idevid_nor_configuration_name_one),
		cmocka_unit_test(lets_a_device_wait_with_202_and_retry_after),
		cmocka_unit_test(denies_with_403_and_the_policys_reason),
		cmocka_unit_test(gives_the_same_voucher_to_the_same_bytes),
		cmocka_unit_test(an_answer_that_nobody_asked_for_ends_with_500),
		cmocka_unit_test(passes_the_masas_refusal_on_and_what_lies_between_as_502),
		cmocka_unit_test(answers_502_or_504_when_the_masa_cannot_be_asked),
		cmocka_unit_test(does_not_forward_a_voucher_that_is_not_for_this_device_and_us),
		cmocka_unit_test(does_not_forward_another_media_type_as_a_voucher),
	};
	return cmocka_run_group_tests(tests, open_world, close_world);
}
