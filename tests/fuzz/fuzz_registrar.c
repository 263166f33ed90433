/* fuzz: berth_registrar_input berth_est_input berth_accept_has */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registrar's machines and a device that they know, which sends anything: the first byte chooses the resource, the
 * rest is the body. Nothing but a well-formed, signed request may get as far as a question to policy or store.
 */
#include "support/registrar_fixture.h"

#include "protocol/brski/accept.h"
#include "protocol/est/client.h"

#include "fuzz.h"

static struct fixture *world;
static struct berth_peer device;

static void
leave(void)
{
	berth_peer_free(&device);
	fixture_close(world);
}

static void
prepare(void)
{
	if (world)
		return;
	world = fixture_open();
	(void)atexit(leave);
	fixture_peer(world, &world->device, &device);
	fuzz_assert(device.kind == BERTH_PEER_IDEVID);
}

static void
brski(enum berth_registrar_operation operation, const char *media_type, struct berth_bytes body)
{
	BERTH_REGISTRAR x = {0};
	const struct berth_http_request http = {
		.method = BERTH_HTTP_POST, .media_type = berth_text(media_type), .body = body};
	berth_registrar_start(&x, &world->conf, operation, &device, world->now);
	enum berth_registrar_event event = berth_registrar_input(&x, &http);
	if (operation == BERTH_REGISTRAR_REQUEST_VOUCHER)
		fuzz_assert(event == BERTH_REGISTRAR_END || event == BERTH_REGISTRAR_NEED_DECISION);
	else
		fuzz_assert(event == BERTH_REGISTRAR_END || event == BERTH_REGISTRAR_NEED_DEVICE);
	if (event == BERTH_REGISTRAR_END) {
		fuzz_assert(x.response.status >= 400 && x.why.rule != NULL &&
			    x.why.sentence[0] != '\0');
		fuzz_assert(x.decision.outcome == BERTH_OUTCOME_DENY);
	}
}

/* What the MASA says may be as hostile. */
static void
audit_log(struct berth_bytes body)
{
	BERTH_REGISTRAR x = {0};
	const struct berth_http_request http = {
		.method = BERTH_HTTP_POST,
		.media_type = BERTH_LIT(BERTH_MEDIA_JSON),
		.body = BERTH_LIT("{\"version\":1,\"status\":true}")};
	berth_registrar_start(&x, &world->conf, BERTH_REGISTRAR_VOUCHER_STATUS, &device,
			      world->now);
	fuzz_assert(berth_registrar_input(&x, &http) == BERTH_REGISTRAR_NEED_DEVICE);
	const struct berth_registrar_record record = {
		.is_known = true, .has_voucher = true, .rvr = BERTH_LIT("x"), .audit_is_due = true};
	fuzz_assert(berth_registrar_answer_device(&x, &record) == BERTH_REGISTRAR_NEED_AUDIT_LOG);
	const struct berth_http_response moved = {.status = 201, .location = body};
	enum berth_registrar_event event = berth_registrar_answer_masa(&x, &moved, NULL);
	if (event == BERTH_REGISTRAR_NEED_AUDIT_LOG) {
		fuzz_assert(x.masa_path[0] == '/' && strlen(x.masa_path) < sizeof(x.masa_path));
		const struct berth_http_response log = {
			.status = 200, .media_type = BERTH_LIT(BERTH_MEDIA_JSON), .body = body};
		event = berth_registrar_answer_masa(&x, &log, NULL);
	}
	fuzz_assert(event == BERTH_REGISTRAR_NEED_AUDIT_VERDICT);
	fuzz_assert(x.has_audit_log || x.audit_why.err != BERTH_OK);
}

static void
enrol(struct berth_bytes body)
{
	BERTH_EST x = {0};
	const struct berth_http_request http = {.method = BERTH_HTTP_POST,
						.media_type = BERTH_LIT(BERTH_EST_MEDIA_PKCS10),
						.body = body};
	berth_est_start(&x, &world->est, &world->est_profile, BERTH_EST_SIMPLEENROLL, &device,
			NULL);
	enum berth_est_event event = berth_est_input(&x, &http);
	fuzz_assert(event == BERTH_EST_END || event == BERTH_EST_NEED_PERMISSION);
	if (event == BERTH_EST_END)
		fuzz_assert(x.response.status >= 400 && x.why.rule != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	prepare();
	if (size == 0)
		return 0;
	struct berth_bytes body = berth_bytes_of(data + 1, size - 1);
	switch (data[0] % 5) {
	case 0:
		brski(BERTH_REGISTRAR_REQUEST_VOUCHER, BERTH_MEDIA_VOUCHER_CMS, body);
		break;
	case 1:
		brski(BERTH_REGISTRAR_VOUCHER_STATUS, BERTH_MEDIA_JSON, body);
		break;
	case 2:
		enrol(body);
		break;
	case 3:
		audit_log(body);
		break;
	case 4:
		(void)berth_accept_has(body, BERTH_MEDIA_VOUCHER_CMS);
		break;
	}
	return 0;
}
